import { binaryReader } from '../../../../lib/binary-reader.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { readVarint } from './read-varint.ts';

export type RecordValue = bigint | string | Uint8Array | undefined;

const maximumColumns = 100;

/**
 * The columns of a row (section 2.1): integers, text, bytes; undefined for NULL and for fractions.
 *
 * @throws `package_database_unreadable`
 */
export function parseRecord(payload: Uint8Array): readonly RecordValue[] {
  const reader = binaryReader(payload, { order: 'big', code: 'package_database_unreadable', what: 'a row' });
  const headerLength = readVarint(reader, 0);
  if (headerLength.value > BigInt(payload.length)) {
    throw databaseCorrupt('the types of a row inside the row', `${headerLength.value} bytes of them`);
  }
  const values: RecordValue[] = [];
  let at = headerLength.end;
  let content = Number(headerLength.value);
  while (at < Number(headerLength.value)) {
    if (values.length === maximumColumns) throw databaseCorrupt(`at most ${maximumColumns} columns`, 'more');
    const { value: type, end } = readVarint(reader, at);
    at = end;
    const length = lengthOf(type, payload.length);
    values.push(valueOf(type, reader.bytes(content, length)));
    content += length;
  }
  return values;
}

function lengthOf(type: bigint, limit: number): number {
  if (type >= 12n) {
    const length = (type - 12n) / 2n;
    if (length > BigInt(limit)) throw databaseCorrupt(`at most ${limit} bytes of a column`, `${length}`);
    return Number(length);
  }
  const length = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0][Number(type)];
  if (length === undefined) throw databaseCorrupt('a type of a column', `${type}`);
  return length;
}

function valueOf(type: bigint, bytes: Uint8Array): RecordValue {
  if (type >= 12n) return type % 2n === 0n ? bytes : Buffer.from(bytes).toString('utf8');
  if (type === 0n || type === 7n) return undefined;
  if (type === 8n || type === 9n) return type - 8n;
  return BigInt.asIntN(
    bytes.length * 8,
    bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n),
  );
}
