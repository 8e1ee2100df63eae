import { inflateRawSync } from 'node:zlib';

/** The first member of a gzip file, unpacked, and where the next one begins. */
export interface GzipMember {
  readonly open: Buffer;
  /** Bytes, packed, with header and trailer. */
  readonly length: number;
}

const headerLength = 10;
const trailerLength = 8;
const flags = { crc: 2, extra: 4, name: 8, comment: 16 } as const;

/**
 * Unpacks the first member alone (RFC 1952, section 2.3); Node's own gunzip takes all of them for one.
 *
 * @param limit most bytes unpacked
 * @throws Error for what is no gzip, is cut off, or is larger
 */
export function firstGzipMember(bytes: Buffer, limit: number): GzipMember {
  if (bytes.length < headerLength || bytes.readUIntBE(0, 3) !== 0x1f8b08) throw new Error('no gzip file');
  const flag = bytes.readUInt8(3);
  let at = headerLength;
  if (flag & flags.extra) at += 2 + bytes.readUInt16LE(at);
  if (flag & flags.name) at = afterText(bytes, at);
  if (flag & flags.comment) at = afterText(bytes, at);
  if (flag & flags.crc) at += 2;
  // The declaration of Node knows the plain result only.
  const { buffer, engine } = inflateRawSync(bytes.subarray(at), {
    info: true,
    maxOutputLength: limit,
  }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  const length = at + engine.bytesWritten + trailerLength;
  if (length > bytes.length) throw new Error('its end is missing');
  return { open: buffer, length };
}

function afterText(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(0, at);
  if (end === -1) throw new Error('its header has no end');
  return end + 1;
}
