import type { ByteSource } from '../../../../lib/byte-source.ts';
import { volumeCorrupt, volumeUnsupported } from '../../volume-errors.ts';
import * as layout from './layout.ts';
import { readBlock } from './read-block.ts';

export interface ThinSuperblock {
  /** The block of the root of the tree of mappings. */
  readonly mappingRoot: bigint;
  readonly dataBlockSectors: number;
  /** The kernel met an error when it wrote the metadata last. */
  readonly needsCheck: boolean;
}

/** @throws ColdpatchError `volume_corrupt`, `volume_unsupported`. */
export function parseThinSuperblock(metadata: ByteSource): ThinSuperblock {
  const place = layout.superblock;
  const reader = readBlock(metadata, 0n, layout.superblockSalt, place.block);
  if (reader.u64(place.magic) !== layout.magic) {
    throw volumeCorrupt('Expected the superblock of a thin pool, but its magic is missing.');
  }
  const version = reader.u32(place.version);
  const incompatible = reader.u32(place.incompatible);
  if (!layout.versions.includes(version) || incompatible !== 0) {
    throw volumeUnsupported(
      `Expected a thin pool of version ${layout.versions.join(' or ')} without further features, ` +
        `but found version ${version} with features ${incompatible.toString(16)}.`,
    );
  }
  if (reader.u32(place.metadataBlockSectors) * 512 !== layout.blockBytes) {
    throw volumeCorrupt(`Expected blocks of ${layout.blockBytes} bytes in the metadata of a thin pool.`);
  }
  return {
    mappingRoot: reader.u64(place.mappingRoot),
    dataBlockSectors: reader.u32(place.dataBlockSectors),
    needsCheck: (reader.u32(place.flags) & layout.needsCheckFlag) !== 0,
  };
}
