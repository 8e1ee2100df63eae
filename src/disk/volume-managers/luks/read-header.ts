import type { ByteSource } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import type { LuksHeader } from './header.ts';
import { magic } from './layout.ts';
import { parseVersionOne } from './parse-version-one.ts';
import { findSecondHeader, parseVersionTwo } from './parse-version-two.ts';

/** Undefined when it is not LUKS. */
export function versionOf(volume: ByteSource): 1 | 2 | undefined {
  if (hasBytes(volume, 0n, `${magic}\0\x01`)) return 1;
  if (hasBytes(volume, 0n, `${magic}\0\x02`)) return 2;
  return findSecondHeader(volume) === undefined ? undefined : 2;
}

/** What the header tells without any key. @throws ColdpatchError `volume_corrupt`. */
export function readHeader(volume: ByteSource): LuksHeader {
  switch (versionOf(volume)) {
    case 1:
      return parseVersionOne(volume);
    case 2:
      return parseVersionTwo(volume);
    default:
      throw volumeCorrupt('Expected a header of LUKS, but found none.');
  }
}
