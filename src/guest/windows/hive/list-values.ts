import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Cells } from './cells.ts';
import { decodeName } from './decode-name.ts';
import * as layout from './layout.ts';
import { readValueData } from './read-value-data.ts';
import { registryCorrupt } from './registry-corrupt.ts';
import { signatureOf } from './signature-of.ts';
import type { HiveValue } from './types.ts';

/** The values of a key. */
export function listValues(cells: Cells, key: BinaryReader, minorVersion: number): readonly HiveValue[] {
  const count = key.u32(layout.keyNode.valueCount);
  if (count === 0) return [];
  if (count > layout.mostValues) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected a key of ${cells.where} to have at most ${layout.mostValues} values, found ${count}.`,
    );
  }
  const list = cells.read(key.u32(layout.keyNode.valueList), 'a list of values');
  list.bytes(0, 4 * count);
  let bytes = 0;
  return Array.from({ length: count }, (_, index) => {
    const offset = list.u32(4 * index);
    const cell = cells.read(offset, 'a value', mostBytes);
    bytes += cell.length;
    if (bytes > layout.mostValueListBytes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected the values of a key of ${cells.where} to have names of at most ${layout.mostValueListBytes} bytes.`,
      );
    }
    return valueOf(cells, cell, offset, minorVersion);
  });
}

/** A name has at most 16,383 characters. */
const mostBytes = layout.keyValue.name + 32_768;

function valueOf(cells: Cells, cell: BinaryReader, offset: number, minorVersion: number): HiveValue {
  const { keyValue } = layout;
  if (signatureOf(cell) !== keyValue.signature) {
    throw registryCorrupt(`Expected a value at ${offset} of ${cells.where}, but there is something else.`);
  }
  const narrow = (cell.u16(keyValue.flags) & layout.narrowValueName) !== 0;
  return {
    name: decodeName(cell.bytes(keyValue.name, cell.u16(keyValue.nameBytes)), narrow),
    type: cell.u32(keyValue.type),
    bytes: () => readValueData(cells, cell, minorVersion),
  };
}
