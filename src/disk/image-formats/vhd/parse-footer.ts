import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';

export const footerBytes = 512;
const dynamicHeaderBytes = 1024;
const largestBlock = 64 * 1024 * 1024;
const kinds = { 2: 'fixed', 3: 'dynamic', 4: 'differencing' } as const;

export interface VhdFooter {
  readonly kind: (typeof kinds)[keyof typeof kinds];
  readonly virtualSize: bigint;
  /** Byte of the dynamic header. */
  readonly headerOffset: bigint;
  /** The footer itself is damaged, or was overwritten: its copy at the start was read. */
  readonly fromCopy: boolean;
}

export interface VhdBlocks {
  readonly tableOffset: bigint;
  readonly entries: number;
  readonly blockSize: number;
  /** As the disk names it, verbatim; empty when it names none. */
  readonly parentName: string;
}

/** Programs that mean the geometry, and not the size in the footer, by the size of their disks. */
const sizedByGeometry: ReadonlySet<string> = new Set(['vpc ', 'qemu']);
const largestGeometry = 65_535 * 16 * 255;

/** The footer at the end of the file, or its copy at the start (Virtual Hard Disk Image Format Specification 1.0). */
export function parseVhdFooter(file: ByteSource): VhdFooter {
  const places = [file.size - BigInt(footerBytes), 0n].filter((place) => place >= 0n);
  const found = places.find(
    (place) => hasBytes(file, place, 'conectix') && isIntact(file, place, footerBytes, 64),
  );
  if (found === undefined) {
    throw corrupt('neither at its end nor at its start is a footer with the right checksum');
  }
  const fields = reader(file, found, footerBytes, 'the VHD footer');
  const kind = kinds[fields.u32(60) as keyof typeof kinds];
  if (kind === undefined) throw corrupt(`its type is ${fields.u32(60)}`);
  return {
    kind,
    virtualSize: sizeOf(fields),
    headerOffset: fields.u64(16),
    fromCopy: found === 0n && file.size > BigInt(footerBytes),
  };
}

export function parseVhdBlocks(file: ByteSource, { headerOffset, virtualSize }: VhdFooter): VhdBlocks {
  if (headerOffset + BigInt(dynamicHeaderBytes) > file.size || !hasBytes(file, headerOffset, 'cxsparse')) {
    throw corrupt(`there is no header of a dynamic disk at byte ${headerOffset}`);
  }
  if (!isIntact(file, headerOffset, dynamicHeaderBytes, 36)) {
    throw corrupt('the checksum of its dynamic header is wrong');
  }
  const fields = reader(file, headerOffset, dynamicHeaderBytes, 'the dynamic header of the VHD');
  const tableOffset = fields.u64(16);
  const entries = fields.u32(28);
  const blockSize = fields.u32(32);
  if (blockSize < 512 || blockSize > largestBlock || (blockSize & (blockSize - 1)) !== 0) {
    throw corrupt(`its blocks have ${blockSize} bytes`);
  }
  if (BigInt(entries) * BigInt(blockSize) < virtualSize) {
    throw corrupt(`its ${entries} blocks of ${blockSize} bytes do not cover ${virtualSize} bytes`);
  }
  if (tableOffset + BigInt(entries) * 4n > file.size) throw corrupt('its block table ends after the file');
  const name = Buffer.from(fields.bytes(64, 512)).swap16().toString('utf16le');
  return { tableOffset, entries, blockSize, parentName: name.replace(/\0.*$/s, '') };
}

function sizeOf(fields: BinaryReader): bigint {
  const sectors = fields.u16(56) * fields.u8(58) * fields.u8(59);
  const creator = Buffer.from(fields.bytes(28, 4)).toString('latin1');
  const byGeometry = sizedByGeometry.has(creator) && sectors > 0 && sectors !== largestGeometry;
  return byGeometry ? BigInt(sectors) * 512n : fields.u64(48);
}

/** The checksum is the ones' complement of the sum of all other bytes. */
function isIntact(file: ByteSource, place: bigint, length: number, checksumAt: number): boolean {
  const bytes = readBytes(file, place, length);
  const stored = bytes.readUInt32BE(checksumAt);
  bytes.fill(0, checksumAt, checksumAt + 4);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return ~sum >>> 0 === stored;
}

function reader(file: ByteSource, place: bigint, length: number, what: string): BinaryReader {
  return binaryReader(readBytes(file, place, length), { order: 'big', code: 'image_corrupt', what });
}

function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a VHD disk, but ${found}. Take the image from its source again.`,
  );
}
