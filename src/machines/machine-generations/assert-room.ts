import { lstatSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { bytesOfGeneration } from './bytes-of-generation.ts';
import { memberFilesOf } from './member-files.ts';
import type { MachineContext } from './read-generation.ts';
import { generationNumbers } from '../generations/generation-paths.ts';

export interface Room {
  /** Bytes that must be free on each filesystem of the machine before anything is begun, also where disks are reflinked. */
  readonly reserve: bigint;
  /** Bytes that all generations of the machine may take, with the next. */
  readonly budget?: number | undefined;
  /** Bytes of memory of the guest, when the next generation keeps that too. */
  readonly memory?: number | undefined;
}

/**
 * Refuses work that would fill a filesystem or go over the budget, before anything of it is done.
 * A generation counts with all its blocks, also with those that reflinks share.
 *
 * @throws ColdpatchError `host_space`, `generation_budget`.
 */
export async function assertRoom(
  context: MachineContext,
  { reserve, budget, memory = 0 }: Room,
): Promise<void> {
  const { machine, state } = context;
  const members = memberFilesOf(machine);
  for (const directory of new Set([state.path, ...members.map(({ path }) => dirname(path))])) {
    const { bavail, bsize } = await statfs(directory, { bigint: true });
    const free = bavail * bsize;
    if (free >= reserve) continue;
    throw new ColdpatchError(
      'host_space',
      `Expected ${reserve} bytes to stay free in ${directory}, but there are only ${free}. Free some space there, or lower the reserve.`,
    );
  }
  if (budget === undefined) return;
  const numbers = await generationNumbers(state);
  const kept = numbers.reduce((sum, number) => sum + bytesOfGeneration(context, number), 0);
  const next = members.reduce(
    (sum, { path }) => sum + (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512,
    memory,
  );
  if (kept + next <= budget) return;
  throw new ColdpatchError(
    'generation_budget',
    `Expected the generations of ${machine.name} to take at most ${budget} bytes, but the ${numbers.length} kept take ${kept}, ` +
      `and the next would take ${next} more. Delete some ("coldpatch generations prune ${machine.name}"), or raise budgetBytes.`,
  );
}
