import { btrfs } from './btrfs/index.ts';
import { exfat } from './exfat/index.ts';
import { ext4 } from './ext4/index.ts';
import { fat } from './fat/index.ts';
import { iso9660 } from './iso9660/index.ts';
import { ntfs } from './ntfs/index.ts';
import { squashfs } from './squashfs/index.ts';
import { swap } from './swap/index.ts';
import type { FilesystemFormat } from './types.ts';
import { xfs } from './xfs/index.ts';

/** In the order in which they are asked; ntfs comes late, because it may also show itself at the end of a volume. */
export const filesystemFormats: readonly FilesystemFormat[] = [
  ext4,
  btrfs,
  fat,
  squashfs,
  iso9660,
  exfat,
  xfs,
  ntfs,
  swap,
];
