import { isSameFile } from '../is-same-file.ts';
import { logEvent } from './log.ts';
import { memberFilesOf } from './member-files.ts';
import type { MachineContext } from './read-generation.ts';

export interface MachinePromotion {
  /** The generation that was taken right before, and the SHA-256 of its manifest. */
  readonly generation: number;
  readonly manifest: string;
  /** The disk that was replaced. */
  readonly path: string;
  /** SHA-256 of what took its place. */
  readonly sha256: string;
  readonly at: Date;
}

/** Writes down that a disk is another one now: from here on, the disk of the generation before is an older state. */
export async function logPromotion(
  { host, machine, key }: MachineContext,
  { generation, manifest, path, sha256, at }: MachinePromotion,
): Promise<void> {
  const members = memberFilesOf(machine)
    .filter((file) => isSameFile(file.path, path))
    .map(({ name }) => ({ name, sha256 }));
  await logEvent(host, key, {
    at: at.toISOString(),
    machine: machine.id,
    name: machine.name,
    event: 'promoted',
    generation,
    manifest,
    kept: null,
    members,
  });
}
