import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generationDirectory } from '../generations/generation-paths.ts';
import { digestOf, logEvent } from './log.ts';
import { manifestName } from './manifest.ts';
import type { MachineContext } from './read-generation.ts';

/** Writes down that a generation counts, whose directory has its name; nothing happens when the log says so already. */
export async function logTaken(
  { host, machine, state, key }: MachineContext,
  generation: number,
  at: Date,
): Promise<void> {
  const text = await readFile(join(generationDirectory(state, generation), manifestName));
  await logEvent(host, key, {
    at: at.toISOString(),
    machine: machine.id,
    name: machine.name,
    event: 'taken',
    generation,
    manifest: digestOf(text),
    kept: null,
  });
}
