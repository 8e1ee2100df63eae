import { randomUUID } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncDirectory, unfinishedSuffix } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import { generationDirectory } from '../generations/generation-paths.ts';
import { isThere } from '../vtpm/state-files.ts';
import { manifestName } from './manifest.ts';
import { generationFilesOf, keptPath } from './member-files.ts';
import type { MachineContext, MachineGeneration } from './read-generation.ts';

const oneDay = 86_400;

/**
 * Writes a generation to one file: a tar archive of the signed manifest and of all members, holes left out.
 * Only its owner can read it: what was in the memory of a guest, or in its vTPM, is in it.
 *
 * @param target a name that does not exist, in a directory that does.
 * @throws ColdpatchError `usage`, `file_not_found`.
 */
export async function exportGeneration(
  { machine, state }: MachineContext,
  { number, manifest }: MachineGeneration,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  const directory = dirname(target);
  if (!isThere(directory)) {
    throw new ColdpatchError('file_not_found', `Expected a directory ${directory}, but there is none.`);
  }
  if (isThere(target)) throw taken(target);
  const unfinished = join(directory, `.${basename(target)}.${randomUUID()}${unfinishedSuffix}`);
  const files = generationFilesOf(machine)
    .filter(({ name }) => manifest.members.some((member) => member.name === name))
    .flatMap((file) => ['-C', dirname(keptPath(state, machine, number, file)), file.name]);
  const file = await open(unfinished, 'wx', 0o600);
  try {
    await runProgramOrFail({
      file: 'tar',
      args: [
        '--create',
        '--sparse',
        '--format=gnu',
        '--file=-',
        '-C',
        generationDirectory(state, number),
        manifestName,
        ...files,
      ],
      output: file.fd,
      timeoutSeconds: oneDay,
      ...(signal && { signal }),
    });
    await file.sync();
    await giveName(unfinished, target);
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
  }
  await syncDirectory(directory);
}

/** A link replaces nothing; where there are none, as on exFAT, it is looked at before. */
async function giveName(unfinished: string, target: string): Promise<void> {
  try {
    await link(unfinished, target);
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) throw taken(target);
    if (!hasErrorCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    if (isThere(target)) throw taken(target);
    await rename(unfinished, target);
  }
}

function taken(target: string): ColdpatchError {
  return new ColdpatchError('usage', `Expected a new file, but ${target} is there already.`);
}
