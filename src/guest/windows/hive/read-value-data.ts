import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Cells } from './cells.ts';
import * as layout from './layout.ts';
import { registryCorrupt } from './registry-corrupt.ts';
import { signatureOf } from './signature-of.ts';

/** The data of a value: inside of its own cell, in another, or in segments (`db`). */
export function readValueData(cells: Cells, value: BinaryReader, minorVersion: number): Uint8Array {
  const field = value.u32(layout.keyValue.dataBytes);
  const isInside = field >= layout.dataInside;
  const length = isInside ? field - layout.dataInside : field;
  if (isInside) {
    if (length <= layout.mostInside) return value.bytes(layout.keyValue.data, length);
    throw registryCorrupt(`Expected at most 4 bytes inside a value of ${cells.where}, found ${length}.`);
  }
  if (length === 0) return new Uint8Array();
  if (length > layout.mostDataBytes) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected values of at most ${layout.mostDataBytes} bytes in ${cells.where}, found one of ${length}.`,
    );
  }
  const data = cells.read(value.u32(layout.keyValue.data), 'the data of a value');
  const { bigData } = layout;
  const isBig =
    length > bigData.segmentBytes &&
    minorVersion >= bigData.minorVersion &&
    signatureOf(data) === bigData.signature;
  return isBig ? joinSegments(cells, data, length) : data.bytes(0, length);
}

function joinSegments(cells: Cells, head: BinaryReader, length: number): Uint8Array {
  const { bigData } = layout;
  const count = head.u16(bigData.count);
  if (count !== Math.ceil(length / bigData.segmentBytes)) {
    throw registryCorrupt(
      `Expected a value of ${length} bytes in ${cells.where}, found ${count} segments of it.`,
    );
  }
  const segments = cells.read(head.u32(bigData.list), 'a list of segments');
  const parts: Uint8Array[] = [];
  for (let index = 0, left = length; index < count; index += 1, left -= bigData.segmentBytes) {
    const segment = cells.read(segments.u32(4 * index), 'a segment of a value');
    parts.push(segment.bytes(0, Math.min(left, bigData.segmentBytes)));
  }
  return Buffer.concat(parts);
}
