import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { VolumeManager } from '../types.ts';
import { assembleArrays } from './assemble-arrays.ts';
import { hasMagic } from './has-magic.ts';
import { level } from './layout.ts';
import { parseSuperblock } from './parse-superblock.ts';
import { findVersionOne } from './parse-version-one.ts';
import { findVersionZero } from './parse-version-zero.ts';

/** Linux RAID. */
export const md: VolumeManager = {
  id: 'md',
  revision: 1,
  detect(volume) {
    return { answer: hasMagic(volume) ? 'yes' : 'no' };
  },
  coversDisk,
  describe(volume) {
    const { uuid, name, version, level: number, devices } = parseSuperblock(volume);
    return { uuid, label: name, properties: { version, level: number, devices } };
  },
  assemble: assembleArrays,
};

/**
 * The superblocks at the end (1.0 and 0.90) let a mirror's partition table show through.
 * One at the end of the last partition may stand at the same place: 1.0 says whose it is, of 0.90 only the size does.
 */
function coversDisk(disk: ByteSource): boolean {
  const [version] = findVersionOne(disk) ?? [];
  const isAtEnd = version === '1.0' || (version === undefined && findVersionZero(disk) !== undefined);
  if (!isAtEnd) return false;
  try {
    const { level: number, usedSize, dataSize } = parseSuperblock(disk);
    return number === level.mirrored && (version === '1.0' || dataSize - usedSize < 65_536n);
  } catch (error) {
    if (isColdpatchError(error, 'volume_corrupt', 'volume_unsupported')) return false;
    throw error;
  }
}
