import { type BinaryReader, type ByteOrder, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { peek } from '../../peek.ts';
import * as layout from './layout.ts';

export interface LabelEntry {
  /** 0 for `a`. */
  readonly index: number;
  readonly start: bigint;
  readonly size: bigint;
  /** Two hexadecimal digits. */
  readonly type: string;
}

export interface Label {
  readonly name: string;
  readonly sectorSize: number;
  /** Those that are used, without the whole disk. */
  readonly entries: readonly LabelEntry[];
}

interface Found {
  readonly bytes: Buffer;
  readonly order: ByteOrder;
}

/** Undefined when there is no label. */
export function findLabel(disk: ByteSource): Found | undefined {
  for (const place of layout.places) {
    const bytes = peek(disk, place, layout.bytes);
    if (bytes === undefined) continue;
    const order = (['little', 'big'] as const).find((candidate) => {
      const reader = readerOf(bytes, candidate);
      return (
        reader.u32(layout.label.magic) === layout.magic &&
        reader.u32(layout.label.secondMagic) === layout.magic
      );
    });
    if (order !== undefined) return { bytes, order };
  }
  return undefined;
}

/** @throws ColdpatchError `image_corrupt`. */
export function parseLabel(disk: ByteSource): Label {
  const found = findLabel(disk);
  if (found === undefined)
    throw new ColdpatchError('image_corrupt', 'Expected a BSD disklabel, but found none.');
  const reader = readerOf(found.bytes, found.order);
  const count = reader.u16(layout.label.partitions);
  if (count > layout.mostPartitions || exclusiveOr(reader, count) !== 0) {
    throw new ColdpatchError(
      'image_corrupt',
      'Expected the BSD disklabel to match its checksum, but it does not.',
    );
  }
  const sectorSize = reader.u32(layout.label.sectorBytes);
  if (![512, 1024, 2048, 4096].includes(sectorSize)) {
    throw new ColdpatchError('image_corrupt', `Expected sectors of 512 to 4096 bytes, found ${sectorSize}.`);
  }
  return {
    name: reader.text(layout.label.packName, layout.label.packNameBytes),
    sectorSize,
    entries: Array.from({ length: count }, (_, index) => entryAt(reader, index, sectorSize)).filter(
      ({ index, size, type }) => size > 0n && type !== layout.unusedType && index !== layout.wholeDisk,
    ),
  };
}

function entryAt(reader: BinaryReader, index: number, sectorSize: number): LabelEntry {
  const at = layout.label.entries + index * layout.entry.bytes;
  return {
    index,
    start: BigInt(reader.u32(at + layout.entry.start)) * BigInt(sectorSize),
    size: BigInt(reader.u32(at + layout.entry.sectors)) * BigInt(sectorSize),
    type: reader
      .u8(at + layout.entry.type)
      .toString(16)
      .padStart(2, '0'),
  };
}

/** Of all words of 16 bits up to the last entry, the checksum among them: 0 when nothing was changed. */
function exclusiveOr(reader: BinaryReader, partitions: number): number {
  const end = layout.label.entries + partitions * layout.entry.bytes;
  let sum = 0;
  for (let at = 0; at < end; at += 2) sum ^= reader.u16(at);
  return sum;
}

function readerOf(bytes: Buffer, order: ByteOrder): BinaryReader {
  return binaryReader(bytes, { order, code: 'image_corrupt', what: 'the BSD disklabel' });
}
