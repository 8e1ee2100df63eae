import { mkdir } from 'node:fs/promises';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import { syncDirectory, writeFileSynced } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { type GenerationReason, diskName, manifestName, writeManifest } from './manifest.ts';
import { stagedDirectory } from './generation-paths.ts';
import type { StateDirectory } from './state-directory.ts';

export interface StagedGeneration {
  readonly generation: number;
  readonly reason: GenerationReason;
  readonly takenAt: Date;
  readonly format: WritableFormatId;
  /** SHA-256 of the image as it is now. */
  readonly digest: string;
}

/**
 * Makes all of a generation but its disk, under a name that does not count as a generation yet.
 * The manifest's name is certain once the disk has been linked beside it, durably.
 */
export async function stageGeneration(state: StateDirectory, staged: StagedGeneration): Promise<void> {
  const directory = stagedDirectory(state, staged.generation);
  const status = lstatSync(state.imagePath);
  await mkdir(directory, { mode: 0o700 });
  const manifest = writeManifest({
    schema: 1,
    generation: staged.generation,
    reason: staged.reason,
    takenAt: staged.takenAt.toISOString(),
    image: state.imagePath,
    format: staged.format,
    disk: { file: diskName, sha256: staged.digest, size: status.size, allocated: status.blocks * 512 },
    identity: { owner: status.uid, group: status.gid, mode: status.mode & 0o7777 },
  });
  await writeFileSynced(join(directory, manifestName), manifest, 0o600);
  await syncDirectory(state.generations);
}

/** Refuses names that are not plain, or that the generation itself needs. */
export function assertAttachmentName(name: string): void {
  if (/^[a-z0-9][a-z0-9.-]{0,63}$/.test(name) && name !== diskName && name !== manifestName) return;
  throw new ColdpatchError('internal', `A file of a generation cannot be named ${JSON.stringify(name)}.`);
}
