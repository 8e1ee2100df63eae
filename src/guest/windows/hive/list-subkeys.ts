import { ColdpatchError } from '../../../lib/errors.ts';
import type { Cells } from './cells.ts';
import * as layout from './layout.ts';
import { registryCorrupt } from './registry-corrupt.ts';
import { signatureOf } from './signature-of.ts';

/** Offsets of the subkeys in a list: leaves (`li`, `lf`, `lh`), or a root (`ri`) over leaves. */
export function listSubkeys(cells: Cells, offset: number, count: number): readonly number[] {
  if (count === 0) return [];
  if (count > layout.mostSubkeys) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected a key of ${cells.where} to have at most ${layout.mostSubkeys} subkeys, found ${count}.`,
    );
  }
  const found: number[] = [];
  for (const leaf of leavesOf(cells, offset)) found.push(...entriesOf(cells, leaf, count - found.length));
  if (found.length !== count) {
    throw registryCorrupt(
      `Expected ${count} subkeys in the list at ${offset} of ${cells.where}, found ${found.length}.`,
    );
  }
  return found;
}

function leavesOf(cells: Cells, offset: number): readonly number[] {
  const cell = cells.read(offset, 'a list of subkeys');
  if (signatureOf(cell) !== layout.indexRoot) return [offset];
  const count = cell.u16(layout.list.count);
  return Array.from({ length: count }, (_, index) => cell.u32(layout.list.entries + 4 * index));
}

function entriesOf(cells: Cells, offset: number, most: number): readonly number[] {
  const cell = cells.read(offset, 'a list of subkeys');
  const signature = signatureOf(cell);
  const entryBytes = layout.leafEntryBytes[signature];
  const count = cell.u16(layout.list.count);
  if (entryBytes === undefined || count > most) {
    throw registryCorrupt(
      `Expected a list of at most ${most} subkeys at ${offset} of ${cells.where}, found "${signature}" of ${count}.`,
    );
  }
  return Array.from({ length: count }, (_, index) => cell.u32(layout.list.entries + entryBytes * index));
}
