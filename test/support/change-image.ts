/**
 * Changes an image by the real functions, and can be told to write into it or to kill itself at a journal step.
 * Run as a process of its own: `node change-image.ts '{"image": ..., "action": ...}'`.
 */
import { copyFileSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { digestFile } from '../../src/lib/digest-file.ts';
import type { JournalStep, OnStep } from '../../src/machines/generations/journal-steps.ts';
import { type Recovery, recover } from '../../src/machines/generations/recover.ts';
import { replaceImage } from '../../src/machines/generations/replace-image.ts';
import { type RollBackResult, rollBack } from '../../src/machines/generations/roll-back.ts';
import { makeWorkDirectory, openStateDirectory } from '../../src/machines/generations/state-directory.ts';
import { holdImageLocks } from '../../src/machines/hypervisors/qemu/hold-image-lock.ts';
import { resolveImagePath } from '../../src/machines/image-path.ts';
import { acquireRunLock } from '../../src/machines/run-lock.ts';

export interface Change {
  readonly image: string;
  readonly action: 'update' | 'rollback' | 'recover';
  /** The file whose content becomes the new image. */
  readonly content?: string;
  readonly generation?: number;
  /** `any` is the first step that comes. */
  readonly killAt?: JournalStep | 'any';
  /** Somebody who has had the image open since before writes into it at this step. */
  readonly writeAt?: JournalStep;
}

/** What somebody else writes, and where. */
export const foreignWrite = { bytes: 'written by the machine', position: 100 };

const now = (): Date => new Date();

/** Takes the run lock, recovers, and puts `content` in the image's place, as an update does. */
export async function update(image: string, content: string, onStep: OnStep): Promise<number> {
  const { path } = resolveImagePath(image);
  const state = await openStateDirectory(path);
  const lock = await acquireRunLock(state.path);
  try {
    await recover(state, { holdImages: holdImageLocks });
    const hold = await holdImageLocks([path]);
    try {
      const { identity } = resolveImagePath(path);
      const digest = await digestFile(path);
      const copy = join(makeWorkDirectory(state, 'run'), 'disk');
      copyFileSync(content, copy);
      return await replaceImage({
        state,
        expected: identity,
        digest,
        format: 'raw',
        replacement: { kind: 'copy', path: copy },
        hold,
        holdImages: holdImageLocks,
        now,
        onStep,
      });
    } finally {
      await hold.release();
    }
  } finally {
    await lock.release();
  }
}

export async function undo(image: string, onStep: OnStep, generation?: number): Promise<RollBackResult> {
  return rollBack({
    image,
    format: 'raw',
    holdImages: holdImageLocks,
    now,
    onStep,
    ...(generation === undefined ? {} : { generation }),
  });
}

export async function tidy(image: string, onStep: OnStep = () => undefined): Promise<Recovery> {
  const state = await openStateDirectory(resolveImagePath(image).path);
  const lock = await acquireRunLock(state.path);
  try {
    return await recover(state, { holdImages: holdImageLocks, onStep });
  } finally {
    await lock.release();
  }
}

/** Opens the image now, as a program that has it open does, and writes into it at `step`. */
export function writerAt(image: string, step: JournalStep): OnStep {
  const file = openSync(image, 'r+');
  return (reached) => {
    if (reached === step) writeSync(file, foreignWrite.bytes, foreignWrite.position);
  };
}

async function carryOut(change: Change): Promise<void> {
  const write = change.writeAt ? writerAt(change.image, change.writeAt) : undefined;
  const onStep: OnStep = async (step) => {
    await write?.(step);
    if (change.killAt === 'any' || change.killAt === step) process.kill(process.pid, 'SIGKILL');
  };
  if (change.action === 'update') await update(change.image, change.content ?? '', onStep);
  else if (change.action === 'rollback') await undo(change.image, onStep, change.generation);
  else await tidy(change.image, onStep);
}

if (import.meta.main) await carryOut(JSON.parse(process.argv[2] ?? '') as Change);
