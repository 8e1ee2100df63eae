import { type BinaryReader, binaryReader } from '../../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../../lib/errors.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { orDamage } from '../or-damage.ts';
import { createPageClaims, type PageClaims } from '../page-claims.ts';
import { type DatabaseBackend, maximumHeader, type StoredHeader } from '../stored-header.ts';
import { item, page } from './layout.ts';
import { type HashMeta, parseMeta } from './parse-meta.ts';

interface Hash extends HashMeta {
  readonly claims: PageClaims;
  read(number: number): BinaryReader;
}

/** `Packages`, the default before rpm 4.16: a hash from the number of a header, in four bytes, to the header. */
export const berkeleyDb: DatabaseBackend = {
  fileName: 'Packages',
  *readHeaders(file): Generator<StoredHeader> {
    const hash = openHash(file);
    for (let bucket = 0; bucket <= hash.maximumBucket; bucket += 1) yield* readBucket(hash, bucket);
  },
};

function openHash(file: ByteSource): Hash {
  const meta = parseMeta(file);
  const claims = createPageClaims(meta.pageCount);
  claims.claim(0);
  return {
    ...meta,
    claims,
    read(number) {
      claims.claim(number);
      const bytes = readBytes(file, BigInt(number) * BigInt(meta.pageSize), meta.pageSize);
      const what = `page ${number} of a hash`;
      return binaryReader(bytes, { order: meta.order, code: 'package_database_unreadable', what });
    },
  };
}

/** A bucket is a chain of pages; a page that was never written is empty. */
function* readBucket(hash: Hash, bucket: number): Generator<StoredHeader> {
  let number = bucket + (hash.spares[32 - Math.clz32(bucket)] ?? 0);
  do {
    const current = number;
    const reader = orDamage(() => openBucketPage(hash, current));
    if (reader instanceof ColdpatchError) {
      yield reader;
      return;
    }
    const entries = reader.u8(page.type) === page.unused ? 0 : reader.u16(page.entries);
    for (let entry = 0; entry + 1 < entries; entry += 2) {
      const header = orDamage(() => readPair(hash, reader, entry));
      if (header !== undefined) yield header;
    }
    number = reader.u32(page.next);
  } while (number !== 0);
}

function openBucketPage(hash: Hash, number: number): BinaryReader {
  const reader = hash.read(number);
  const type = reader.u8(page.type);
  const isHash = type === page.hash || type === page.unsortedHash;
  if (type === page.unused && reader.u32(page.number) === 0) return reader;
  if (!isHash || reader.u32(page.number) !== number || reader.u16(page.entries) % 2 !== 0) {
    throw databaseCorrupt(`pairs at page ${number}`, `a page of type ${type}`);
  }
  return reader;
}

/** Undefined for number 0, under which the highest number is kept. */
function readPair(hash: Hash, reader: BinaryReader, entry: number): Uint8Array | undefined {
  const key = itemAt(hash, reader, entry);
  const value = itemAt(hash, reader, entry + 1);
  if (key[0] !== item.onPage || key.length !== 5)
    throw databaseCorrupt('a number of four bytes', 'another key');
  if (key.subarray(1).every((byte) => byte === 0)) return undefined;
  if (value[0] === item.onPage) return value.subarray(1);
  if (value[0] !== item.offPage || value.length !== item.offPageSize) {
    throw databaseCorrupt('one header for each number', `an item of type ${value[0]}`);
  }
  const fields = binaryReader(value, {
    order: hash.order,
    code: 'package_database_unreadable',
    what: 'an item',
  });
  return readOverflow(hash, fields.u32(item.firstPage), fields.u32(item.totalLength));
}

/** Items grow from the end of a page towards its beginning, each up to the one before it. */
function itemAt(hash: Hash, reader: BinaryReader, entry: number): Uint8Array {
  const start = reader.u16(page.headerSize + 2 * entry);
  const end = entry === 0 ? hash.pageSize : reader.u16(page.headerSize + 2 * (entry - 1));
  if (start >= end) throw databaseCorrupt('items one behind the other', 'items that overlap');
  return reader.bytes(start, end - start);
}

function readOverflow(hash: Hash, first: number, length: number): Uint8Array {
  if (length > Math.min(maximumHeader, hash.pageCount * hash.pageSize)) {
    throw databaseCorrupt(`a header of at most ${maximumHeader} bytes`, `${length}`);
  }
  const value = Buffer.alloc(length);
  let filled = 0;
  for (let number = first; filled < length; ) {
    const reader = hash.read(number);
    const used = reader.u16(page.length);
    if (reader.u8(page.type) !== page.overflow || used === 0 || filled + used > length) {
      throw databaseCorrupt(`the rest of a header at page ${number}`, 'another page');
    }
    value.set(reader.bytes(page.headerSize, used), filled);
    filled += used;
    number = reader.u32(page.next);
  }
  return value;
}
