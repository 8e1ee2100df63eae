import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renameDurably, syncFile, unfinishedSuffix } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import { generationDirectory } from '../generations/generation-paths.ts';
import { isThere } from '../vtpm/state-files.ts';
import { manifestName } from './manifest.ts';
import { generationFilesOf, keptPath } from './member-files.ts';
import type { MachineContext, MachineGeneration } from './read-generation.ts';

const oneDay = 86_400;

/**
 * Writes a generation to one file: a tar archive of the signed manifest and of all members, holes left out.
 *
 * @param target a name that does not exist.
 */
export async function exportGeneration(
  { machine, state }: MachineContext,
  { number, manifest }: MachineGeneration,
  target: string,
  signal?: AbortSignal,
): Promise<void> {
  if (isThere(target)) {
    throw new ColdpatchError('usage', `Expected a new file, but ${target} is there already.`);
  }
  const unfinished = `${target}${unfinishedSuffix}`;
  const files = generationFilesOf(machine)
    .filter(({ name }) => manifest.members.some((member) => member.name === name))
    .flatMap((file) => ['-C', dirname(keptPath(state, machine, number, file)), file.name]);
  try {
    await runProgramOrFail({
      file: 'tar',
      args: [
        '--create',
        '--sparse',
        '--format=gnu',
        '--force-local',
        '--file',
        unfinished,
        '-C',
        generationDirectory(state, number),
        manifestName,
        ...files,
      ],
      timeoutSeconds: oneDay,
      ...(signal && { signal }),
    });
    await syncFile(unfinished);
    await renameDurably(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
}
