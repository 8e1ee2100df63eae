import { join } from 'node:path';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { generationDirectory } from './generation-paths.ts';
import { assertAttachmentName } from './stage-generation.ts';
import type { StateDirectory } from './state-directory.ts';

/** Adds a file to a complete generation, such as the report that could be written only after the replacement. */
export async function attachFile(
  state: StateDirectory,
  generation: number,
  name: string,
  bytes: Uint8Array | string,
): Promise<void> {
  assertAttachmentName(name);
  await writeFileDurably(join(generationDirectory(state, generation), name), bytes, 0o600);
}
