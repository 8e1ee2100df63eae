import { isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import { type Recovery, recover } from '../generations/recover.ts';
import { openStateDirectory } from '../generations/state-directory.ts';
import type { HoldImages } from '../hypervisors/qemu/hold-image-lock.ts';
import type { MachineSettlement } from '../machine-generations/settle-machine.ts';
import { acquireRunLock } from '../run-lock.ts';
import type { ImageLeftovers } from './find-host-leftovers.ts';
import type { Attachment } from './stray-attachments.ts';

/** What became of the leftovers of one image. */
export interface CleanedImage {
  readonly image: string;
  /** Mounts and loop devices that were taken away. */
  readonly detached: readonly string[];
  /** See `Recovery`. Undefined when only mounts and devices were left. */
  readonly settlement?: Recovery['settlement'] | MachineSettlement;
  readonly removed: readonly string[];
  /** Why it was not cleaned, or not to the end. */
  readonly problem?: string;
}

/** Puts in order what a killed run left of an image, under its run lock. What does not work is in `problem`. */
export async function cleanLeftovers(
  { state, attachments }: ImageLeftovers,
  holdImages: HoldImages,
): Promise<CleanedImage> {
  const detached: string[] = [];
  const image = state.imagePath;
  try {
    // What a killed run has not synced, such as the name of the image, is synced before the recovery relies on it.
    await openStateDirectory(image);
    await using _lock = await acquireRunLock(state.path);
    for (const attachment of attachments) {
      await detach(attachment);
      detached.push(attachment.path);
    }
    return { image, detached, ...(await recover(state, { holdImages })) };
  } catch (error) {
    if (!isColdpatchError(error) && !hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS', 'EBUSY', 'ENOENT'))
      throw error;
    return { image, detached, removed: [], problem: (error as Error).message };
  }
}

async function detach({ kind, path }: Attachment): Promise<void> {
  const program =
    kind === 'mount' ? { file: 'umount', args: ['--', path] } : { file: 'losetup', args: ['--detach', path] };
  await runProgramOrFail({ ...program, timeoutSeconds: 60 });
}
