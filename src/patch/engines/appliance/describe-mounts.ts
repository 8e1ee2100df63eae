import type { GuestMount } from '../../../guest/mount-guest.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { placeOnDisk } from '../../copy-access/place-on-disk.ts';

const sectorBytes = 512n;

/** A partition's number stands for its device until the inside knows the name; 0 is the whole disk. */
export function partitionOf({ volume }: GuestMount): string {
  return String(volume.partition?.number ?? 0);
}

/** Lines of `PARTITION FIRST-SECTOR PATH`, the root first. @throws ColdpatchError `filesystem_unsupported`. */
export function describeMounts(mounts: readonly GuestMount[]): string {
  const lines = mounts.map((mount) => {
    if (!/^\/[!-~]*$/.test(mount.path)) {
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected filesystems at plain paths, but found one at ${JSON.stringify(mount.path)}. Use --engine namespace.`,
      );
    }
    return `${partitionOf(mount)} ${placeOnDisk(mount.volume) / sectorBytes} ${mount.path}\n`;
  });
  return lines.join('');
}
