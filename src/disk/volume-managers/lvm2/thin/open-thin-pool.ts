import { assertInside, type ByteSource } from '../../../../lib/byte-source.ts';
import { quote } from '../../../quote.ts';
import { volumeCorrupt } from '../../volume-errors.ts';
import { sectorBytes } from '../layout.ts';
import { numberIn, textIn } from '../text-fields.ts';
import type { VolumeMapper } from '../volume-mapper.ts';
import * as layout from './layout.ts';
import { parseThinSuperblock } from './parse-superblock.ts';
import { type Lookup, thinTrees } from './tree.ts';

export interface ThinPool {
  /**
   * A thin volume, by its number in the pool. What was never written is zeros.
   * @param size bytes; the pool itself does not know it.
   */
  openDevice(device: number, size: bigint): ByteSource;
}

/** @throws ColdpatchError `volume_corrupt`, `volume_unsupported`, `volume_missing`. */
export function openThinPool(mapper: VolumeMapper, name: string, depth: number): ThinPool {
  const [segment, ...others] = mapper.group.logicalVolumes.get(name)?.segments ?? [];
  if (segment?.type !== 'thin-pool' || others.length > 0) {
    throw volumeCorrupt(`Expected ${quote(name)} to be a thin pool, but it is none.`);
  }
  const metadata = mapper.open(textIn(segment.fields, 'metadata'), depth + 1);
  const data = mapper.open(textIn(segment.fields, 'pool'), depth + 1);
  const superblock = parseThinSuperblock(metadata);
  const { dataBlockSectors, mappingRoot } = superblock;
  if (
    dataBlockSectors !== numberIn(segment.fields, 'chunk_size') ||
    dataBlockSectors === 0 ||
    dataBlockSectors > layout.mostDataBlockSectors
  ) {
    throw volumeCorrupt(
      `Expected chunks of ${numberIn(segment.fields, 'chunk_size')} sectors in the thin pool ${quote(name)}, ` +
        `but its superblock says ${dataBlockSectors}.`,
    );
  }
  if (superblock.needsCheck) {
    mapper.note(name, {
      reason: 'unclean',
      detail: 'The metadata of the thin pool needs a check: the kernel met an error when it wrote it last.',
    });
  }
  const lookup = thinTrees(metadata);
  return {
    openDevice(device, size) {
      const root = lookup(mappingRoot, BigInt(device));
      if (root === undefined) {
        throw volumeCorrupt(`Expected device ${device} in the thin pool ${quote(name)}, but it has none.`);
      }
      return thinDevice({ lookup, root, data, size, chunkBytes: dataBlockSectors * sectorBytes });
    },
  };
}

interface ThinDevice {
  readonly lookup: Lookup;
  /** The block of the root of its tree. */
  readonly root: bigint;
  readonly data: ByteSource;
  readonly size: bigint;
  readonly chunkBytes: number;
}

function thinDevice({ lookup, root, data, size, chunkBytes }: ThinDevice): ByteSource {
  const chunk = BigInt(chunkBytes);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const at = offset + BigInt(done);
        const within = at % chunk;
        const length = Math.min(chunkBytes - Number(within), into.length - done);
        const target = into.subarray(done, done + length);
        const mapping = lookup(root, at / chunk);
        if (mapping === undefined) target.fill(0);
        else readChunk(data, (mapping >> layout.timeBits) * chunk + within, target);
        done += length;
      }
    },
  };
}

function readChunk(data: ByteSource, offset: bigint, into: Uint8Array): void {
  if (offset + BigInt(into.length) > data.size) {
    throw volumeCorrupt(
      `Expected byte ${offset} inside the data of a thin pool, but it has ${data.size} bytes.`,
    );
  }
  data.read(offset, into);
}
