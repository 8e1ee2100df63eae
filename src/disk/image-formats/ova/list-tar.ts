import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';

export interface TarEntry {
  readonly name: string;
  /** First byte in the archive. */
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

const blockBytes = 512;
const mostHeaders = 4096;
const longestName = 65_536;
/** POSIX.1-2024, pax, "ustar Interchange Format": offsets and lengths of fields. */
const field = { name: 0, size: 124, checksum: 148, type: 156, magic: 257, prefix: 345 } as const;

/** What was read before an entry and belongs to it. */
interface Pending {
  name?: string;
  size?: bigint;
}

/** The regular files of a tar archive (ustar, and the long names of GNU and PAX), as they come. At most 4096 headers are read. */
export function* listTar(archive: ByteSource): Generator<TarEntry> {
  let pending: Pending = {};
  let at = 0n;
  for (let left = mostHeaders; at + BigInt(blockBytes) <= archive.size; left -= 1) {
    if (left === 0) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected a tar archive of at most ${mostHeaders} entries, but it has more.`,
      );
    }
    const header = readBytes(archive, at, blockBytes);
    if (header.every((byte) => byte === 0)) return;
    assertHeader(header, at);
    const type = String.fromCharCode(header[field.type] ?? 0);
    const isMeta = type === 'L' || type === 'x' || type === 'g' || type === 'K';
    const size = (isMeta ? undefined : pending.size) ?? sizeOf(header, at);
    const start = at + BigInt(blockBytes);
    if (type === 'L') pending = { ...pending, name: textOf(readName(archive, start, size)) };
    if (type === 'x') pending = { ...pending, ...parsePax(readName(archive, start, size)) };
    if (!isMeta) {
      if (type === '0' || type === '\0') yield { name: pending.name ?? nameOf(header), start, size };
      pending = {};
    }
    at = start + ((size + BigInt(blockBytes - 1)) / BigInt(blockBytes)) * BigInt(blockBytes);
  }
}

/** The sum of all bytes, those of the checksum taken as spaces. */
function assertHeader(header: Buffer, at: bigint): void {
  const stored = Number.parseInt(textOf(header.subarray(field.checksum, field.checksum + 8)), 8);
  const own = header.subarray(field.checksum, field.checksum + 8).reduce((total, byte) => total + byte, 0);
  const sum = header.reduce((total, byte) => total + byte, 0) - own + 8 * 0x20;
  if (sum === stored) return;
  throw corrupt(`the header at byte ${at} has a wrong checksum`);
}

function nameOf(header: Buffer): string {
  const name = textOf(header.subarray(field.name, field.name + 100));
  const isUstar = header.toString('latin1', field.magic, field.magic + 6) === 'ustar\0';
  const prefix = isUstar ? textOf(header.subarray(field.prefix, field.prefix + 155)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal digits, or as GNU tar writes large numbers: bit 7 of the first byte set, and the rest a binary number. */
function sizeOf(header: Buffer, at: bigint): bigint {
  const digits = header.subarray(field.size, field.size + 12);
  const first = digits[0] ?? 0;
  if ((first & 0x80) !== 0) {
    if (first !== 0x80 || digits.readUInt32BE(1) >>> 8 !== 0)
      throw corrupt(`the entry at byte ${at} is too large`);
    return digits.readBigUInt64BE(4);
  }
  const text = textOf(digits).trim();
  if (!/^[0-7]{0,12}$/.test(text)) throw corrupt(`the entry at byte ${at} has no size`);
  return BigInt(`0o${text || '0'}`);
}

function readName(archive: ByteSource, start: bigint, size: bigint): Buffer {
  if (size > BigInt(longestName)) throw corrupt(`a name of ${size} bytes is at byte ${start}`);
  return readBytes(archive, start, Number(size));
}

/** Records of `LENGTH KEY=VALUE\n`; LENGTH counts the whole record. */
function parsePax(bytes: Buffer): Pending {
  const pending: Pending = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.toString('latin1', at, space === -1 ? at : Math.min(space, at + 8)));
    if (!Number.isInteger(length) || length < 5 || at + length > bytes.length) {
      throw corrupt('an extended header is damaged');
    }
    const record = bytes.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === 'path') pending.name = value;
    if (key === 'size' && /^\d{1,18}$/.test(value)) pending.size = BigInt(value);
    if (key.startsWith('GNU.sparse.')) throw corrupt('it holds a file with holes, which no OVA does');
    at += length;
  }
  return pending;
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a tar archive, but ${found}. Take the image from its source again.`,
  );
}
