import type { ByteSource } from '../../../lib/byte-source.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { parseVersionOne } from './parse-version-one.ts';
import { parseVersionZero } from './parse-version-zero.ts';
import type { Superblock } from './superblock.ts';

/** @throws ColdpatchError `volume_corrupt`, `volume_unsupported`. */
export function parseSuperblock(volume: ByteSource): Superblock {
  const found = parseVersionOne(volume) ?? parseVersionZero(volume);
  if (found === undefined)
    throw volumeCorrupt('Expected the superblock of a Linux RAID, but found none that belongs here.');
  return found;
}
