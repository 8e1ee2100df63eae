import { type BinaryReader, binaryReader } from '../../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../../lib/errors.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { orDamage } from '../or-damage.ts';
import type { PageClaims } from '../page-claims.ts';
import { maximumHeader } from '../stored-header.ts';
import { header, treePage } from './layout.ts';
import type { SqlitePages } from './open-pages.ts';
import { readVarint } from './read-varint.ts';

/** Bytes that rows may still have; they cannot have more than their database. */
export interface RowBudget {
  left: number;
}

/**
 * The rows of the table whose tree begins at page `root`, in the order of their keys, as records; and the damage
 * that was met in between.
 */
export function* walkTable(
  pages: SqlitePages,
  root: number,
  claims: PageClaims,
  budget: RowBudget,
): Generator<Uint8Array | ColdpatchError> {
  const claimed = orDamage(() => claims.claim(root));
  if (claimed instanceof ColdpatchError) {
    yield claimed;
    return;
  }
  const waiting = [root];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    const number = page;
    const node = orDamage(() => openNode(pages, number));
    if (node instanceof ColdpatchError) {
      yield node;
      continue;
    }
    if (node.isLeaf) {
      for (let cell = 0; cell < node.cells; cell += 1) {
        yield orDamage(() => readRow(pages, node, cell, claims, budget));
      }
      continue;
    }
    for (let child = node.cells; child >= 0; child -= 1) {
      const found = orDamage(() => {
        const at = child === node.cells ? node.start + treePage.rightmost : cellOffset(node, child);
        const pageOfChild = node.reader.u32(at);
        claims.claim(pageOfChild);
        return pageOfChild;
      });
      if (found instanceof ColdpatchError) yield found;
      else waiting.push(found);
    }
  }
}

interface Node {
  readonly reader: BinaryReader;
  /** Of the tree's part of the page. */
  readonly start: number;
  readonly isLeaf: boolean;
  readonly cells: number;
}

function openNode(pages: SqlitePages, page: number): Node {
  const bytes = pages.read(page).subarray(0, pages.usableSize);
  const reader = binaryReader(bytes, {
    order: 'big',
    code: 'package_database_unreadable',
    what: `page ${page} of the database of rpm`,
  });
  const start = page === 1 ? header.size : 0;
  const type = reader.u8(start);
  if (type !== treePage.leaf && type !== treePage.interior) {
    throw databaseCorrupt(`a page of a table at page ${page}`, `one of type ${type}`);
  }
  return { reader, start, isLeaf: type === treePage.leaf, cells: reader.u16(start + treePage.cellCount) };
}

function cellOffset({ reader, start, isLeaf }: Node, cell: number): number {
  const pointers = start + (isLeaf ? treePage.leafCells : treePage.interiorCells);
  return reader.u16(pointers + 2 * cell);
}

function readRow(
  pages: SqlitePages,
  node: Node,
  cell: number,
  claims: PageClaims,
  budget: RowBudget,
): Uint8Array {
  const { reader } = node;
  const size = readVarint(reader, cellOffset(node, cell));
  const key = readVarint(reader, size.end);
  if (size.value > BigInt(Math.min(maximumHeader, budget.left))) {
    throw databaseCorrupt(`a row of at most ${Math.min(maximumHeader, budget.left)} bytes`, `${size.value}`);
  }
  const length = Number(size.value);
  budget.left -= length;
  const local = localLength(length, pages.usableSize);
  if (local === length) return reader.bytes(key.end, length);
  const row = Buffer.alloc(length);
  row.set(reader.bytes(key.end, local));
  let filled = local;
  let next = reader.u32(key.end + local);
  while (filled < length) {
    claims.claim(next);
    const page = pages.read(next);
    const part = page.subarray(4, Math.min(pages.usableSize, 4 + length - filled));
    row.set(part, filled);
    filled += part.length;
    next = page.readUInt32BE(0);
  }
  return row;
}

/** How much of a row stands in its cell (section 1.6); the rest is in a chain of pages of its own. */
function localLength(length: number, usable: number): number {
  const most = usable - 35;
  if (length <= most) return length;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (usable - 4));
  return fitting <= most ? fitting : least;
}
