import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';

export interface SparseHeader {
  readonly version: number;
  /** Bytes of the disk. */
  readonly virtualSize: bigint;
  /** Bytes of a grain. */
  readonly grainSize: number;
  readonly grains: number;
  /** Grains of one grain table. */
  readonly tableEntries: number;
  /** Byte of the grain directory. */
  readonly directoryOffset: bigint;
  readonly compressed: boolean;
  /** An entry of 1 in a grain table says that the grain is zeros. */
  readonly hasZeroGrains: boolean;
  /** Byte and length of the descriptor; of length 0 when it is in another file. */
  readonly descriptor: { readonly offset: bigint; readonly length: number };
}

const sectorBytes = 512n;
const headerBytes = 512;
const atTheEnd = 0xffff_ffff_ffff_ffffn;
const flags = { zeroGrains: 0x4, compressed: 0x1_0000 } as const;
const largestGrain = 2 * 1024 * 1024;
const largestDescriptor = 1024 * 1024;
const mostGrains = 2 ** 31;

/**
 * The header of a sparse extent (VMware Virtual Disk Format 5.0). Where it says so, the header that counts is the footer
 * near the end: a stream does not know its directory before.
 */
export function parseSparseHeader(file: ByteSource): SparseHeader {
  const first = parse(file, 0n);
  if (first.directoryOffset !== atTheEnd * sectorBytes) return checked(file, first);
  const place = file.size - 1024n;
  if (place < 0n || !hasBytes(file, place, 'KDMV')) {
    throw corrupt('its footer is not there: the stream may be cut off');
  }
  const footer = parse(file, place);
  return checked(file, { ...footer, descriptor: first.descriptor });
}

function parse(file: ByteSource, place: bigint): SparseHeader {
  if (place + BigInt(headerBytes) > file.size) throw corrupt(`it has only ${file.size} bytes`);
  const fields = binaryReader(readBytes(file, place, headerBytes), {
    order: 'little',
    code: 'image_corrupt',
    what: 'the VMDK header',
  });
  const version = fields.u32(4);
  if (version < 1 || version > 3) throw unsupported(`version ${version} of the sparse format`);
  const set = fields.u32(8);
  const grainSectors = fields.u64(20);
  const grainSize = Number(grainSectors * sectorBytes);
  if (grainSectors < 8n || grainSize > largestGrain || (grainSize & (grainSize - 1)) !== 0) {
    throw corrupt(`its grains have ${grainSectors} sectors`);
  }
  const virtualSize = fields.u64(12) * sectorBytes;
  const grains = (virtualSize + BigInt(grainSize) - 1n) / BigInt(grainSize);
  if (grains > BigInt(mostGrains)) throw corrupt(`its disk has ${virtualSize} bytes`);
  const tableEntries = fields.u32(44);
  if (tableEntries < 1 || tableEntries > 4096) throw corrupt(`its grain tables have ${tableEntries} entries`);
  const algorithm = fields.u16(77);
  const compressed = (set & flags.compressed) !== 0;
  if (compressed && algorithm !== 1) throw unsupported(`compression ${algorithm}`);
  return {
    version,
    virtualSize,
    grainSize,
    grains: Number(grains),
    tableEntries,
    directoryOffset: fields.u64(56) * sectorBytes,
    compressed,
    hasZeroGrains: (set & flags.zeroGrains) !== 0,
    descriptor: descriptorOf(fields.u64(28), fields.u64(36)),
  };
}

function descriptorOf(sector: bigint, sectors: bigint): SparseHeader['descriptor'] {
  if (sector === 0n || sectors === 0n) return { offset: 0n, length: 0 };
  const length = sectors * sectorBytes;
  if (length > BigInt(largestDescriptor)) throw corrupt(`its descriptor has ${length} bytes`);
  return { offset: sector * sectorBytes, length: Number(length) };
}

function checked(file: ByteSource, header: SparseHeader): SparseHeader {
  const tables = Math.ceil(header.grains / header.tableEntries);
  if (header.directoryOffset + BigInt(tables) * 4n > file.size) {
    throw corrupt('its grain directory ends after the file');
  }
  return header;
}

export function corrupt(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_corrupt',
    `Expected a VMDK disk, but ${found}. Take the image from its source again.`,
  );
}

export function unsupported(found: string): ColdpatchError {
  return new ColdpatchError(
    'image_format_unsupported',
    `Expected a VMDK disk in one sparse file, but found ${found}. Convert it with qemu-img convert -O qcow2.`,
  );
}
