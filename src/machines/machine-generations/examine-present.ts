import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../lib/digest-file.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { copyImage } from '../copy-image.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { examineVtpm } from '../vtpm/examine-vtpm.ts';
import { isThere } from '../vtpm/state-files.ts';
import type { VtpmCounters } from '../vtpm/tpm-commands.ts';
import { holdMachine } from './hold-machine.ts';
import { readLastState } from './last-state.ts';
import type { GenerationLog } from './log.ts';
import { mayBeSame } from './may-be-same.ts';
import { keptPath, type MemberFile, memberFilesOf } from './member-files.ts';
import { findPutBack, type MemberDigest, placeMembers, type PresentMember } from './put-back.ts';
import type { MachineContext, MachineGeneration } from './read-generation.ts';

export interface Present {
  readonly members: readonly PresentMember[];
  /** What somebody has done by hand; nothing when the machine only ran. */
  readonly findings: readonly string[];
}

export interface ExamineOptions {
  /** Leaves a disk unread when samples of it show that it is as in no generation but perhaps the last. */
  readonly quick: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the machine as it is now with its generations: a machine that only ran has members of the last state or new ones.
 *
 * @throws ColdpatchError `image_in_use`.
 */
export async function examinePresent(
  context: MachineContext,
  log: GenerationLog,
  generations: readonly MachineGeneration[],
  options: ExamineOptions,
): Promise<Present> {
  await using _hold = await holdMachine(context.machine);
  const last = await readLastState(context, log);
  const digests: MemberDigest[] = [];
  for (const file of memberFilesOf(context.machine)) {
    if (!file.required && !isThere(file.path)) continue;
    const sha256 = await digestOfMember(context, file, generations, options);
    digests.push({ name: file.name, path: file.path, sha256 });
  }
  const members = placeMembers(digests, generations, last);
  try {
    const counters = await presentCounters(context, options.signal);
    return { members, findings: findPutBack(members, last, counters) };
  } catch (error) {
    if (!isColdpatchError(error, 'vtpm_broken', 'vtpm_key')) throw error;
    return { members, findings: [...findPutBack(members, last, undefined), error.message] };
  }
}

async function digestOfMember(
  context: MachineContext,
  file: MemberFile,
  generations: readonly MachineGeneration[],
  { quick, signal }: ExamineOptions,
): Promise<string | null> {
  if (!isThere(file.path)) return null;
  const kept = generations.map(({ number }) => keptPath(context.state, context.machine, number, file));
  if (quick && file.kind === 'disk' && !kept.some((path) => mayBeSame(file.path, path))) return 'new';
  return digestFile(file.path, signal ? { signal } : {});
}

async function presentCounters(
  { machine, state }: MachineContext,
  signal: AbortSignal | undefined,
): Promise<VtpmCounters | undefined> {
  const files = memberFilesOf(machine).filter(({ kind, path }) => kind === 'vtpm' && isThere(path));
  if (!machine.vtpm || !files.some(({ required }) => required)) return undefined;
  const directory = join(state.work, 'present');
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const { name, path } of files) await copyImage(path, join(directory, name));
    const workDirectory = join(state.work, 'present-vtpm');
    const { counters } = await examineVtpm({
      machineId: machine.id,
      vtpm: machine.vtpm,
      directory,
      workDirectory,
      signal,
    });
    return counters;
  } finally {
    await removeTree(directory);
  }
}
