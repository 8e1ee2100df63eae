import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';
import type { FilesystemFormat } from '../types.ts';
import { superblock as place, superblockMagic, superblockOffsets } from './layout.ts';
import { openBtrfs } from './reader.ts';
import { readSuperblock } from './read-superblock.ts';
import { unreadableFeatures } from './unreadable-features.ts';

/** Linux's btrfs, on one device. */
export const btrfs: FilesystemFormat = {
  id: 'btrfs',
  revision: 1,
  detect(volume) {
    if (!hasBytes(volume, superblockOffsets[0] + BigInt(place.magic), superblockMagic)) {
      return { answer: 'no' };
    }
    const found = unreadable(volume);
    return found === undefined
      ? { answer: 'yes' }
      : { answer: 'unreadable', detail: `holds a btrfs filesystem with ${found}` };
  },
  describe(volume) {
    const { superblock } = readSuperblock(volume);
    return {
      uuid: superblock.uuid,
      label: superblock.label,
      properties: {
        sectorSize: superblock.sectorSize,
        nodeSize: superblock.nodeSize,
        checksum: superblock.checksum.name,
        generation: Number(superblock.generation),
        devices: Number(superblock.devices),
        clean: superblock.logTree === 0n,
      },
    };
  },
  open: openBtrfs,
};

/** Undefined also for a damaged superblock: opening it says more. */
function unreadable(volume: ByteSource): string | undefined {
  try {
    const features = unreadableFeatures(readSuperblock(volume).superblock);
    return features.length === 0 ? undefined : features.join(', ');
  } catch (error) {
    if (isColdpatchError(error, 'filesystem_corrupt')) {
      return undefined;
    }
    throw error;
  }
}
