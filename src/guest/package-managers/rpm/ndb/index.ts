import { binaryReader } from '../../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../../lib/byte-source.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { orDamage } from '../or-damage.ts';
import { type DatabaseBackend, maximumHeader, type StoredHeader } from '../stored-header.ts';
import { adler32 } from './adler32.ts';
import { blob, blockSize, header, slot } from './layout.ts';

/** Of 255 headers each. */
const maximumSlotPages = 4096;

interface Slot {
  readonly index: number;
  /** In blocks. */
  readonly start: number;
  readonly blocks: number;
}

/** `Packages.db`, the default of SUSE. */
export const ndb: DatabaseBackend = {
  fileName: 'Packages.db',
  *readHeaders(file): Generator<StoredHeader> {
    let left = file.size;
    for (const entry of readSlots(file)) {
      left -= BigInt(entry.blocks * blockSize);
      if (left < 0n) throw databaseCorrupt('headers that are smaller than their file', 'larger ones');
      yield orDamage(() => readBlob(file, entry));
    }
  },
};

function readSlots(file: ByteSource): readonly Slot[] {
  const head = readBytes(file, 0n, file.size < header.size ? 0 : header.size);
  if (!head.toString('latin1').startsWith(header.magic) || head.readUInt32LE(header.version) !== 0) {
    throw databaseCorrupt('version 0 of an ndb', 'another file of its name');
  }
  const slotPages = head.readUInt32LE(header.slotPages);
  const size = slotPages * slot.perPage * slot.size;
  if (slotPages === 0 || slotPages > maximumSlotPages || BigInt(size) > file.size) {
    throw databaseCorrupt(`1 to ${maximumSlotPages} pages of slots`, `${slotPages}`);
  }
  const bytes = readBytes(file, 0n, size);
  const slots: Slot[] = [];
  for (let at = header.size; at < bytes.length; at += slot.size) {
    if (bytes.toString('latin1', at, at + 4) !== slot.magic)
      throw databaseCorrupt('a slot', 'something else');
    const start = bytes.readUInt32LE(at + slot.block);
    const blocks = bytes.readUInt32LE(at + slot.blocks);
    if (start !== 0) slots.push({ index: bytes.readUInt32LE(at + slot.index), start, blocks });
  }
  return slots;
}

/** Checks the blob's two ends, its number and its sum. */
function readBlob(file: ByteSource, { index, start, blocks }: Slot): Uint8Array {
  const size = blocks * blockSize;
  if (size < blob.headSize + blob.tailSize || size > maximumHeader) {
    throw databaseCorrupt(`a header of at most ${maximumHeader} bytes`, `${size}`);
  }
  const bytes = readBytes(file, BigInt(start) * BigInt(blockSize), size);
  const what = `header ${index} of the database of rpm`;
  const reader = binaryReader(bytes, { order: 'little', code: 'package_database_unreadable', what });
  const length = reader.u32(blob.length);
  const tail = size - blob.tailSize;
  const isWhole =
    reader.text(0, 4) === blob.headMagic &&
    reader.u32(blob.index) === index &&
    Math.ceil((blob.headSize + length + blob.tailSize) / blockSize) === blocks &&
    reader.u32(tail + 4) === length &&
    reader.text(tail + 8, 4) === blob.tailMagic;
  if (!isWhole) throw databaseCorrupt(what, 'something else');
  if (adler32(bytes.subarray(0, tail)) !== reader.u32(tail)) {
    throw databaseCorrupt(`${what} with the sum that stands behind it`, 'another sum');
  }
  return reader.bytes(blob.headSize, length);
}
