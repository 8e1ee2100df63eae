import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import type { FilesystemFormat } from '../types.ts';
import { compat, incompat, superblock as place, superblockMagic, superblockOffset } from './layout.ts';
import { parseSuperblock, type Superblock } from './parse-superblock.ts';
import { isClean, openExt4 } from './reader.ts';
import { unreadableFeatures } from './unreadable-features.ts';

/** Linux's ext4, and its elders ext2 and ext3. */
export const ext4: FilesystemFormat = {
  id: 'ext4',
  revision: 1,
  detect(volume) {
    if (!hasMagic(volume)) {
      return { answer: 'no' };
    }
    const fields = peek(volume, superblockOffset, 128) as Buffer;
    const features = unreadableFeatures({
      incompat: fields.readInt32LE(place.incompat),
      readOnlyCompat: fields.readInt32LE(place.readOnlyCompat),
    });
    return features.length === 0
      ? { answer: 'yes' }
      : { answer: 'unreadable', detail: `holds an ext4 filesystem with ${features.join(', ')}` };
  },
  describe(volume) {
    const superblock = parseSuperblock(volume);
    return {
      uuid: superblock.uuid,
      label: superblock.label,
      properties: {
        type: typeOf(superblock),
        blockSize: superblock.blockSize,
        inodeSize: superblock.inodeSize,
        lastMounted: superblock.lastMounted,
        checksums: superblock.hasChecksums,
        clean: isClean(superblock),
        needsRecovery: (superblock.incompat & incompat.recover) !== 0,
        orphans: superblock.hasOrphans,
      },
    };
  },
  open: openExt4,
};

function hasMagic(volume: ByteSource): boolean {
  const fields = peek(volume, superblockOffset, 128);
  return fields?.readUInt16LE(place.magic) === superblockMagic;
}

function typeOf(superblock: Superblock): string {
  const newer = incompat.extents | incompat.bits64 | incompat.flexibleGroups | incompat.inlineData;
  if ((superblock.incompat & newer) !== 0) {
    return 'ext4';
  }
  return (superblock.compat & compat.hasJournal) === 0 ? 'ext2' : 'ext3';
}
