import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasRightChecksum } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { header, mebibyte, place } from './layout.ts';

export interface VhdxHeader {
  readonly sequence: bigint;
  /** Hexadecimal; undefined when the log is empty. */
  readonly logGuid: string | undefined;
  /** Bytes in the file. */
  readonly logOffset: bigint;
  readonly logLength: number;
}

const largestLog = 32 * 1024 * 1024;

/** The header that counts: of the two, the sound one with the greater sequence number (section 2.2.2). */
export function parseHeaders(file: ByteSource): VhdxHeader {
  const sound = place.headers
    .map((at) => soundHeader(file, at))
    .filter((bytes) => bytes !== undefined)
    .toSorted((a, b) => (sequenceOf(a) < sequenceOf(b) ? 1 : -1));
  const [current, other] = sound;
  if (current === undefined) throw corrupt('neither of its headers has the right checksum');
  if (other !== undefined && sequenceOf(other) === sequenceOf(current) && !other.equals(current)) {
    throw corrupt('its two headers differ and have the same sequence number');
  }
  return fieldsOf(current);
}

function sequenceOf(bytes: Buffer): bigint {
  return bytes.readBigUInt64LE(header.sequence);
}

function soundHeader(file: ByteSource, at: bigint): Buffer | undefined {
  if (at + BigInt(header.bytes) > file.size) return undefined;
  const bytes = readBytes(file, at, header.bytes);
  const isHeader = bytes.toString('latin1', 0, 4) === 'head' && hasRightChecksum(bytes, header.checksum);
  return isHeader ? bytes : undefined;
}

function fieldsOf(bytes: Buffer): VhdxHeader {
  const version = bytes.readUInt16LE(header.version);
  const logVersion = bytes.readUInt16LE(header.logVersion);
  if (version !== 1 || logVersion !== 0) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected VHDX of version 1 with a log of version 0, but found ${version} and ${logVersion}.`,
    );
  }
  const guid = bytes.toString('hex', header.logGuid, header.logGuid + 16);
  const logOffset = bytes.readBigUInt64LE(header.logOffset);
  const logLength = bytes.readUInt32LE(header.logLength);
  if (logOffset % mebibyte !== 0n || BigInt(logLength) % mebibyte !== 0n) {
    throw corrupt(`its log of ${logLength} bytes is at byte ${logOffset}`);
  }
  const isEmpty = /^0+$/.test(guid);
  if (!isEmpty && logLength > largestLog) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected a VHDX log of at most ${largestLog} bytes, but found ${logLength}.`,
    );
  }
  return {
    sequence: sequenceOf(bytes),
    logGuid: isEmpty ? undefined : guid,
    logOffset,
    logLength,
  };
}
