import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import type { BlockMapper } from './block-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { HeaderPlaces } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';
import { verifyHeader } from './verify-header.ts';

/** The header that each part of a value has in version 5. */
export interface PartLayout {
  readonly magic: number;
  /** Byte of the value that the part starts with. */
  readonly offset: number;
  /** Bytes of the value in the part. */
  readonly bytes: number;
  readonly headerBytes: number;
  readonly header: HeaderPlaces;
}

export interface CheckedValue {
  readonly mapper: BlockMapper;
  readonly owner: number;
  /** For messages. */
  readonly what: string;
  /** Block of the fork where the value starts. */
  readonly start: number;
  /** Bytes of the value, bounded by the caller. */
  readonly length: number;
  readonly layout: PartLayout;
  /** Blocks of one part at most: 1 for attributes; links have one part for each extent. */
  readonly partBlocks: number;
}

/** A value that lies outside its inode: the blocks themselves in version 4, parts with headers in version 5. */
export function readCheckedParts(metadata: ByteSource, superblock: Superblock, value: CheckedValue): Buffer {
  const { blockSize, hasChecksums } = superblock;
  const result = Buffer.alloc(value.length);
  let logical = value.start;
  for (let done = 0; done < value.length; ) {
    const run = value.mapper(logical);
    if (run.physical === undefined) {
      throw filesystemCorrupt(`Expected ${value.what} to be written, but block ${logical} of it is not.`);
    }
    const left = value.length - done;
    const blocksLeft = Math.ceil(left / (blockSize - (hasChecksums ? value.layout.headerBytes : 0)));
    const blocks = Math.min(run.blocks, value.partBlocks, blocksLeft);
    const position = run.physical * blockSize;
    const part = readBytes(metadata, BigInt(position), blocks * blockSize);
    const bytes = hasChecksums
      ? checkedPart(part, superblock, value, { position, done, left })
      : part.subarray(0, left);
    result.set(bytes, done);
    done += bytes.length;
    logical += blocks;
  }
  return result;
}

interface PartPlace {
  readonly position: number;
  readonly done: number;
  readonly left: number;
}

function checkedPart(
  part: Uint8Array,
  superblock: Superblock,
  { layout, owner, what }: CheckedValue,
  { position, done, left }: PartPlace,
): Uint8Array {
  const reader = structureReader(part, what);
  const expected = Math.min(left, part.length - layout.headerBytes);
  if (
    reader.u32(0) !== layout.magic ||
    reader.u32(layout.offset) !== done ||
    reader.u32(layout.bytes) !== expected
  ) {
    throw filesystemCorrupt(
      `Expected ${expected} bytes of ${what} from byte ${done} on, but the block at ${position} has others.`,
    );
  }
  verifyHeader(part, layout.header, superblock, { what, position, owner });
  return reader.bytes(layout.headerBytes, expected);
}
