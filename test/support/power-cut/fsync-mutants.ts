/** Is every fsync needed, and would its absence be noticed? */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cutRecovery, cutStory, type KilledRun, killAt, riskyMoments } from './cut-strictly.ts';
import { findSyncCalls, type SyncCall } from './find-sync-calls.ts';
import type { Moment, StrictTrial } from './strict-trial.ts';
import type { TracedOperation } from './traced-operations.ts';

const repository = join(import.meta.dirname, '../../..');
const rooms = ['src/machines', 'src/lib'];
/** What no power cut shows: after a sync the kernel notices what is written through a mapping. */
const testOfMappings = 'test/mapped-writers.test.ts';

/** The sources without the fsyncs that one call of theirs makes. */
export interface FsyncMutant {
  readonly call: SyncCall;
  /** Of a call that syncs a file and its directory: which it leaves out. */
  readonly without: 'all' | 'the file' | 'the directory';
}

export interface MutantOutcome {
  readonly mutant: FsyncMutant;
  readonly result: 'killed' | 'survived' | 'not reached';
  /** The first power cut that it does not survive. */
  readonly detail: string;
}

/**
 * Copies the sources to `copy`, where each call that syncs says when it begins and ends.
 *
 * @returns the calls, and the folder of the programs to trace.
 */
export function copyWithMarks(copy: string): {
  readonly calls: readonly SyncCall[];
  readonly programs: string;
} {
  mkdirSync(copy);
  for (const name of ['src', 'test/support', testOfMappings, 'vitest.config.ts', 'package.json']) {
    cpSync(join(repository, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  const calls = rooms
    .flatMap((room) =>
      readdirSync(join(copy, room), { recursive: true, encoding: 'utf8' }).map((name) => join(room, name)),
    )
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .toSorted()
    .flatMap((file) => {
      const found = findSyncCalls(file, readFileSync(join(copy, file), 'utf8'));
      writeFileSync(join(copy, file), found.marked);
      return found.calls;
    });
  return { calls, programs: join(copy, 'test/support/power-cut') };
}

/** Where a file is written and its directory is synced, each is a mutant of its own. */
export function mutantsOf(calls: readonly SyncCall[]): readonly FsyncMutant[] {
  return calls.flatMap((call): readonly FsyncMutant[] =>
    call.callee === 'writeFileDurably'
      ? [
          { call, without: 'the file' },
          { call, without: 'the directory' },
        ]
      : [{ call, without: 'all' }],
  );
}

/**
 * Kills the story once before each fsync of each call, and traces the recoveries: what only a recovery syncs is needed only
 * after a kill.
 *
 * @param files only before fsyncs of calls in these, and at the end; default all.
 */
export async function killBeforeSyncs(
  trial: StrictTrial,
  files?: ReadonlySet<string>,
): Promise<readonly KilledRun[]> {
  const chosen = new Map<string, Moment>();
  for (const moment of riskyMoments(trial)) {
    const next = trial.operations.slice(moment.index + 1).find(({ kind }) => kind === 'sync');
    const isWanted = next?.kind !== 'sync' || next.sites.some((site) => files?.has(fileOf(site)) !== false);
    if (!isWanted) continue;
    const key = next?.kind === 'sync' ? `${moment.operation.kind} ${next.sites.join(' ')}` : 'the end';
    chosen.set(`last ${key}`, moment);
    if (!chosen.has(`first ${key}`)) chosen.set(`first ${key}`, moment);
  }
  const runs: KilledRun[] = [];
  for (const moment of new Set(chosen.values())) runs.push(await killAt(trial, moment));
  return runs;
}

/** Looks for a power cut that a mutant does not survive. */
export async function tryMutant(
  trial: StrictTrial,
  runs: readonly KilledRun[],
  mutant: FsyncMutant,
): Promise<MutantOutcome> {
  const isDropped = (operation: TracedOperation): boolean => isOf(operation, mutant);
  const own = runs.filter(({ recovery }) => recovery.some(isDropped));
  const isReached = trial.operations.some(isDropped);
  if (!isReached && own.length === 0) return { mutant, result: 'not reached', detail: '' };
  if (isReached) {
    const [first] = (await cutStory(trial, { mixtures: 'lost', enough: 1, isDropped })).wrong;
    if (first !== undefined) return { mutant, result: 'killed', detail: first };
  }
  for (const run of own) {
    const [first] = (await cutRecovery(trial, run, { mixtures: 'lost', enough: 1, isDropped })).wrong;
    if (first !== undefined) return { mutant, result: 'killed', detail: first };
  }
  // Then each of the changes that are not synced now may be there alone, or be lost alone.
  const mixed = { mixtures: 0, enough: 1, isDropped, onlyDifferent: true };
  const [first] = (await cutStory(trial, mixed)).wrong;
  if (first !== undefined) return { mutant, result: 'killed', detail: first };
  for (const run of own) {
    const [wrong] = (await cutRecovery(trial, run, mixed)).wrong;
    if (wrong !== undefined) return { mutant, result: 'killed', detail: wrong };
  }
  return { mutant, result: 'survived', detail: '' };
}

/** Of a call's name: the source in which it is. */
export function fileOf(name: string): string {
  return name.slice(0, name.indexOf(':'));
}

/** Whether a test fails when a call is not there. @param copy as `copyWithMarks` has made it. */
export function isNoticedByTest(copy: string, { call }: FsyncMutant): boolean {
  const path = join(copy, fileOf(call.name));
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(call.marked, () => call.removed),
  );
  try {
    return !passes(copy);
  } finally {
    writeFileSync(path, source);
  }
}

/** @throws Error when the test fails also with all calls. */
export function assertTestPasses(copy: string): void {
  if (!passes(copy)) throw new Error(`Expected ${testOfMappings} to pass in ${copy}.`);
}

function passes(copy: string): boolean {
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', testOfMappings], {
    cwd: copy,
    stdio: 'ignore',
    timeout: 600_000,
  });
  return status === 0;
}

function isOf(operation: TracedOperation, { call, without }: FsyncMutant): boolean {
  if (operation.kind !== 'sync' || !operation.sites.includes(call.name)) return false;
  const isOfFile = operation.sites.some(
    (site) => site.includes('durable-file.ts') && site.endsWith(' file.sync()'),
  );
  return without === 'all' || isOfFile === (without === 'the file');
}
