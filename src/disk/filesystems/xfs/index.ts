import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import type { FilesystemFormat } from '../types.ts';
import { incompat, superblock as place, superblockBytes, superblockMagic } from './layout.ts';
import { readLogState } from './log-state.ts';
import { parseSuperblock } from './parse-superblock.ts';
import { openXfs } from './reader.ts';
import { unreadableFeatures } from './unreadable-features.ts';

/** XFS of Linux, versions 4 and 5. */
export const xfs: FilesystemFormat = {
  id: 'xfs',
  revision: 1,
  detect(volume) {
    const fields = superblockOf(volume);
    if (fields === undefined) {
      return { answer: 'no' };
    }
    const version = fields.readUInt16BE(place.version);
    const features = unreadableFeatures(
      version,
      (version & 0xf) === 5 ? fields.readUInt32BE(place.incompat) : 0,
    );
    return features.length === 0
      ? { answer: 'yes' }
      : { answer: 'unreadable', detail: `holds an XFS filesystem with ${features.join(', ')}` };
  },
  describe(volume) {
    const superblock = parseSuperblock(volume);
    return {
      uuid: superblock.uuid,
      label: superblock.label,
      properties: {
        version: superblock.version,
        blockSize: superblock.blockSize,
        sectorSize: superblock.sectorSize,
        inodeSize: superblock.inodeSize,
        checksums: superblock.hasChecksums,
        unmounted: readLogState(volume, superblock).kind === 'empty',
        needsRepair: (superblock.incompat & incompat.needsRepair) !== 0,
      },
    };
  },
  open: openXfs,
};

function superblockOf(volume: ByteSource): Buffer | undefined {
  const fields = peek(volume, 0n, superblockBytes);
  return fields?.readUInt32BE(place.magic) === superblockMagic ? fields : undefined;
}
