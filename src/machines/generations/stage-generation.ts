import { mkdir } from 'node:fs/promises';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import { linkDurably, syncDirectory, syncFile, writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { type GenerationReason, diskName, manifestName, writeManifest } from './manifest.ts';
import { stagedDirectory } from './generation-paths.ts';
import type { StateDirectory } from './state-directory.ts';

/** A file that a generation keeps besides its disk. It must be on the filesystem of the image. */
export interface Attachment {
  /** `report.json`, `recording.json.zst`, ... */
  readonly name: string;
  readonly path: string;
}

export interface StagedGeneration {
  readonly generation: number;
  readonly reason: GenerationReason;
  readonly takenAt: Date;
  readonly format: WritableFormatId;
  /** SHA-256 of the image as it is now. */
  readonly digest: string;
  readonly attachments: readonly Attachment[];
}

/** Makes all of a generation but its disk, under a name that does not count as a generation yet. */
export async function stageGeneration(state: StateDirectory, staged: StagedGeneration): Promise<void> {
  for (const { name } of staged.attachments) assertAttachmentName(name);
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
  await writeFileDurably(join(directory, manifestName), manifest, 0o600);
  for (const { name, path } of staged.attachments) {
    await syncFile(path);
    await linkDurably(path, join(directory, name));
  }
  await syncDirectory(state.generations);
}

/** Refuses names that are not plain, or that the generation itself needs. */
export function assertAttachmentName(name: string): void {
  if (/^[a-z0-9][a-z0-9.-]{0,63}$/.test(name) && name !== diskName && name !== manifestName) return;
  throw new ColdpatchError('internal', `A file of a generation cannot be named ${JSON.stringify(name)}.`);
}
