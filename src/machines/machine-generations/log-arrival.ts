import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generationDirectory } from '../generations/generation-paths.ts';
import { verifyStatement } from '../signing/statement.ts';
import { digestOf, logEvent } from './log.ts';
import { manifestName, manifestOf } from './manifest.ts';
import type { MachineContext } from './read-generation.ts';

/** Writes down that a generation counts, whose directory has its name; nothing happens when the log says so already. */
export async function logArrival(
  { host, machine, state, key }: MachineContext,
  generation: number,
  at: Date,
): Promise<void> {
  const path = join(generationDirectory(state, generation), manifestName);
  const text = await readFile(path, 'utf8');
  const { cause } = manifestOf(verifyStatement(text, [key.publicKey], path), path);
  await logEvent(host, key, {
    at: at.toISOString(),
    machine: machine.id,
    name: machine.name,
    event: cause === 'import' ? 'imported' : 'taken',
    generation,
    manifest: digestOf(text),
    kept: null,
  });
}
