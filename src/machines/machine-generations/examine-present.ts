import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../lib/digest-file.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { removeTree } from '../generations/remove-tree.ts';
import { examineVtpm } from '../vtpm/examine-vtpm.ts';
import { isThere } from '../vtpm/state-files.ts';
import type { VtpmCounters } from '../vtpm/tpm-commands.ts';
import { holdMachine } from './hold-machine.ts';
import type { GenerationLog } from './log.ts';
import { lostCounts } from './lost-counts.ts';
import type { Member } from './manifest.ts';
import { memberFilesOf } from './member-files.ts';
import { newestParent } from './newest-parent.ts';
import type { MachineContext, MachineGeneration } from './read-generation.ts';

/** What a member is now, against the generations. */
export interface PresentMember {
  readonly name: string;
  readonly path: string;
  /** `unchanged` since the newest state, `changed` by the machine, `older`: as in an earlier generation alone, or `missing`. */
  readonly state: 'unchanged' | 'changed' | 'older' | 'missing';
  /** Generations with the very same bytes. */
  readonly generations: readonly number[];
}

export interface Present {
  readonly members: readonly PresentMember[];
  /** What somebody has done by hand; nothing when the machine only ran. */
  readonly findings: readonly string[];
}

/**
 * Compares the machine as it is now with its generations: a machine that only ran has members of the newest state or new ones.
 * A member with the bytes of an earlier generation was put back by hand, and so was a vTPM that counts less than before.
 *
 * @throws ColdpatchError `image_in_use`.
 */
export async function examinePresent(
  context: MachineContext,
  log: GenerationLog,
  generations: readonly MachineGeneration[],
  signal?: AbortSignal,
): Promise<Present> {
  await using _hold = await holdMachine(context.machine);
  const newest = generations.find(({ number }) => number === newestParent(context, log)?.generation);
  const members: PresentMember[] = [];
  for (const file of memberFilesOf(context.machine)) {
    if (!isThere(file.path)) {
      if (file.required)
        members.push({ name: file.name, path: file.path, state: 'missing', generations: [] });
      continue;
    }
    const digest = await digestFile(file.path, signal ? { signal } : {});
    const same = generations.filter(({ manifest }) => has(manifest.members, file.name, digest));
    const isNewest = newest !== undefined && same.includes(newest);
    members.push({
      name: file.name,
      path: file.path,
      state: isNewest ? 'unchanged' : same.length > 0 ? 'older' : 'changed',
      generations: same.map(({ number }) => number),
    });
  }
  return { members, findings: [...findingsOf(members), ...(await vtpmFindings(context, newest, signal))] };
}

function findingsOf(members: readonly PresentMember[]): readonly string[] {
  const missing = members.filter(({ state }) => state === 'missing').map(({ path }) => `${path} is missing`);
  const older = members.filter(({ state }) => state === 'older');
  if (older.length === 0) return missing;
  const common = older
    .map(({ generations }) => generations)
    .reduce((one, other) => one.filter((number) => other.includes(number)));
  const isWhole =
    common.length > 0 && members.every(({ generations }) => generations.includes(common[0] ?? 0));
  if (isWhole)
    return [...missing, `the whole machine was put back by hand to generation ${common.join(' or ')}`];
  return [
    ...missing,
    ...older.map(
      ({ name, path, generations }) =>
        `${name} (${path}) was put back by hand to generation ${generations.join(' or ')}, without the rest of the machine`,
    ),
  ];
}

/** Also an older state that is in no generation is known by its counters. */
async function vtpmFindings(
  context: MachineContext,
  newest: MachineGeneration | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (!context.machine.vtpm) return [];
  try {
    const counters = await presentCounters(context, signal);
    return lostCounts(newest?.manifest.vtpm?.counters, counters).map(
      ({ counter, before, after }) =>
        `the vTPM is older than generation ${newest?.number}: its counter "${counter}" went from ${before} to ${after ?? 'nothing'}`,
    );
  } catch (error) {
    if (!isColdpatchError(error, 'vtpm_broken', 'vtpm_key')) throw error;
    return [error.message];
  }
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
    for (const { name, path } of files) await copyFile(path, join(directory, name));
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

function has(members: readonly Member[], name: string, digest: string): boolean {
  return members.some((member) => member.name === name && member.sha256 === digest);
}
