import { type BinaryReader, binaryReader, type ByteOrder } from '../../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../../lib/byte-source.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { meta, sharedFile } from './layout.ts';

/** What page 0 says of a hash. */
export interface HashMeta {
  readonly order: ByteOrder;
  readonly pageSize: number;
  readonly pageCount: number;
  /** The highest number of a bucket. */
  readonly maximumBucket: number;
  /** What is added to a bucket's number to get its page, by the power of two below which the number lies. */
  readonly spares: readonly number[];
}

/** @throws `package_database_unreadable` */
export function parseMeta(file: ByteSource): HashMeta {
  const bytes = readBytes(file, 0n, file.size < meta.size ? 0 : meta.size);
  const order = (['little', 'big'] as const).find(
    (candidate) => bytes.length > 0 && readerOf(bytes, candidate).u32(meta.magicAt) === meta.magic,
  );
  if (order === undefined) throw databaseCorrupt('a hash of Berkeley DB', 'another file of its name');
  const reader = readerOf(bytes, order);
  const version = reader.u32(meta.version);
  if (version < 7 || version > 9) throw databaseCorrupt('version 7 to 9 of a hash', `version ${version}`);
  const isPlain =
    reader.u8(meta.encryption) === 0 &&
    reader.u8(meta.flags) === 0 &&
    (reader.u32(meta.fileFlags) & sharedFile) === 0;
  if (!isPlain || reader.u8(meta.type) !== meta.hashType) {
    throw databaseCorrupt(
      'a plain hash of Berkeley DB',
      'one with sums, encryption, partitions or neighbours',
    );
  }
  const pageSize = reader.u32(meta.pageSize);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) {
    throw databaseCorrupt('pages of a size that Berkeley DB allows', `${pageSize} bytes`);
  }
  const pageCount = Math.min(reader.u32(meta.lastPage) + 1, Number(file.size / BigInt(pageSize)));
  const maximumBucket = reader.u32(meta.maximumBucket);
  if (maximumBucket >= pageCount) {
    throw databaseCorrupt(`less buckets than pages (${pageCount})`, `${maximumBucket}`);
  }
  const spares = Array.from({ length: meta.spareCount }, (_, i) => reader.u32(meta.spares + 4 * i));
  return { order, pageSize, pageCount, maximumBucket, spares };
}

function readerOf(bytes: Uint8Array, order: ByteOrder): BinaryReader {
  return binaryReader(bytes, { order, code: 'package_database_unreadable', what: 'page 0 of a hash' });
}
