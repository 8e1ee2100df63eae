import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { assertInside, type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { quote } from '../../quote.ts';
import * as layout from './layout.ts';
import { type HeaderExtensions, parseHeaderExtensions } from './parse-header-extensions.ts';

export interface Qcow2Header {
  readonly version: 2 | 3;
  /** Bytes of a cluster. */
  readonly clusterSize: number;
  readonly virtualSize: bigint;
  /** Entries of the L1 table that the virtual size needs. */
  readonly l1Entries: number;
  readonly l1TableOffset: bigint;
  /** Bytes of an L2 entry: 16 when it describes subclusters. */
  readonly l2EntryBytes: 8 | 16;
  readonly snapshotCount: number;
  readonly snapshotsOffset: bigint;
  readonly compression: 'zlib' | 'zstd';
  readonly dirty: boolean;
  readonly lazyRefcounts: boolean;
  readonly backingFile?: string;
  readonly backingFormat?: string;
}

/** Reads and checks the header. Throws for what cannot be read: encryption, external data, unknown features. */
export function parseHeader(file: ByteSource): Qcow2Header {
  const least = readBytes(file, 0n, layout.version2HeaderBytes);
  const fixed = readerOf(least);
  const version = versionOf(fixed);
  if (version === 3) {
    assertInside(file, 0n, layout.version3HeaderBytes);
  }
  const clusterSize = clusterSizeOf(fixed);
  const first = readerOf(
    readBytes(file, 0n, file.size < BigInt(clusterSize) ? Number(file.size) : clusterSize),
  );
  const headerBytes = version === 2 ? layout.version2HeaderBytes : headerLengthOf(first, clusterSize);
  const name = backingNameOf(first, clusterSize);
  const end = name === undefined ? first.length : name.offset;
  const extensions = parseHeaderExtensions(first, headerBytes, Math.min(end, first.length));
  const incompatible = version === 2 ? 0n : first.u64(layout.header.incompatibleFeatures);
  refuseUnreadable(first.u32(layout.header.cryptMethod), incompatible, extensions);
  const l2EntryBytes = l2EntryBytesOf(incompatible, clusterSize);
  return {
    version,
    clusterSize,
    l2EntryBytes,
    ...sizesOf(first, clusterSize, l2EntryBytes),
    snapshotCount: first.u32(layout.header.snapshotCount),
    snapshotsOffset: first.u64(layout.header.snapshotsOffset),
    compression: compressionOf(first, headerBytes, incompatible),
    dirty: (incompatible & layout.incompatible.dirty) !== 0n,
    lazyRefcounts:
      version === 3 && (first.u64(layout.header.compatibleFeatures) & layout.lazyRefcounts) !== 0n,
    ...(name === undefined ? {} : { backingFile: name.text }),
    ...(extensions.backingFormat === undefined ? {} : { backingFormat: extensions.backingFormat }),
  };
}

function readerOf(bytes: Uint8Array): BinaryReader {
  return binaryReader(bytes, { order: 'big', code: 'image_corrupt', what: 'the qcow2 header' });
}

function corrupt(message: string): ColdpatchError {
  return new ColdpatchError('image_corrupt', `${message} Take the image from its source again.`);
}

function versionOf(reader: BinaryReader): 2 | 3 {
  if (reader.u32(layout.header.magic) !== layout.magic) {
    throw corrupt('Expected a qcow2 image, but its first bytes are not those of one.');
  }
  const version = reader.u32(layout.header.version);
  if (version !== 2 && version !== 3) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected qcow2 of version 2 or 3, but found version ${version}. Convert it with qemu-img convert -O qcow2.`,
    );
  }
  return version;
}

function clusterSizeOf(reader: BinaryReader): number {
  const bits = reader.u32(layout.header.clusterBits);
  if (bits < layout.clusterBits.least || bits > layout.clusterBits.most) {
    throw corrupt(`Expected clusters of 2^9 to 2^21 bytes, but found 2^${bits}.`);
  }
  return 2 ** bits;
}

function headerLengthOf(reader: BinaryReader, clusterSize: number): number {
  const length = reader.u32(layout.header.headerLength);
  if (length < layout.version3HeaderBytes || length % 8 !== 0 || length > clusterSize) {
    throw corrupt(`Expected a header of 104 bytes up to one cluster, but found ${length}.`);
  }
  return length;
}

function backingNameOf(
  reader: BinaryReader,
  clusterSize: number,
): { readonly offset: number; readonly text: string } | undefined {
  const offset = reader.u64(layout.header.backingFileOffset);
  if (offset === 0n) {
    return undefined;
  }
  const length = reader.u32(layout.header.backingFileSize);
  if (length > layout.longestBackingFile || offset + BigInt(length) > BigInt(clusterSize)) {
    throw corrupt(
      `Expected the backing file's name in the first cluster, but found ${length} bytes at ${offset}.`,
    );
  }
  return length === 0
    ? undefined
    : {
        offset: Number(offset),
        text: Buffer.from(reader.bytes(Number(offset), length)).toString('utf8'),
      };
}

function l2EntryBytesOf(incompatible: bigint, clusterSize: number): 8 | 16 {
  if ((incompatible & layout.incompatible.extendedL2) === 0n) return layout.entry.bytes;
  if (clusterSize < layout.leastExtendedCluster) {
    throw corrupt(`Expected clusters of 16 KiB or more with subclusters, but found ${clusterSize} bytes.`);
  }
  return layout.extendedEntry.bytes;
}

function sizesOf(
  reader: BinaryReader,
  clusterSize: number,
  l2EntryBytes: number,
): Pick<Qcow2Header, 'virtualSize' | 'l1Entries' | 'l1TableOffset'> {
  const virtualSize = reader.u64(layout.header.size);
  const l1Size = reader.u32(layout.header.l1Size);
  const l1TableOffset = reader.u64(layout.header.l1TableOffset);
  const bytesOfEntry = BigInt(clusterSize) * BigInt(clusterSize / l2EntryBytes);
  const needed = (virtualSize + bytesOfEntry - 1n) / bytesOfEntry;
  if (virtualSize > BigInt(Number.MAX_SAFE_INTEGER) || needed * 8n > BigInt(layout.largestL1Table)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected a disk that an L1 table of 32 MiB can describe, but it claims ${virtualSize} bytes.`,
    );
  }
  if (BigInt(l1Size) < needed) {
    throw corrupt(`Expected ${needed} L1 entries for ${virtualSize} bytes, but found ${l1Size}.`);
  }
  if (l1TableOffset % BigInt(clusterSize) !== 0n) {
    throw corrupt(`Expected the L1 table at the start of a cluster, but found it at ${l1TableOffset}.`);
  }
  return { virtualSize, l1Entries: Number(needed), l1TableOffset };
}

function compressionOf(reader: BinaryReader, headerBytes: number, incompatible: bigint): 'zlib' | 'zstd' {
  const hasField = headerBytes > layout.header.compressionType;
  const type = hasField ? reader.u8(layout.header.compressionType) : 0;
  const flagged = (incompatible & layout.incompatible.compressionType) !== 0n;
  if (flagged !== (type !== 0)) {
    throw corrupt(`Expected feature bit 3 and compression type ${type} to agree, but they do not.`);
  }
  if (type > 1) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected clusters compressed by zlib or zstd, but found compression type ${type}.`,
    );
  }
  return type === 1 ? 'zstd' : 'zlib';
}

/** Section "Header", crypt_method. */
const encryptionMethods: Readonly<Record<number, string>> = { 1: "QEMU's own AES", 2: 'LUKS' };

function refuseUnreadable(cryptMethod: number, incompatible: bigint, extensions: HeaderExtensions): void {
  if (cryptMethod !== 0) {
    throw new ColdpatchError(
      'image_encrypted',
      `Expected a readable qcow2 image, but it is encrypted by ${encryptionMethods[cryptMethod] ?? `method ${cryptMethod}`}. ` +
        'Decrypt a copy with qemu-img convert and use that.',
    );
  }
  if ((incompatible & layout.incompatible.externalDataFile) !== 0n) {
    throw new ColdpatchError(
      'external_data_file',
      'Expected a qcow2 image that holds its own data, but it keeps them in an external data file. ' +
        'Convert it with qemu-img convert -O qcow2.',
    );
  }
  if ((incompatible & layout.incompatible.corrupt) !== 0n) {
    throw new ColdpatchError(
      'image_corrupt',
      'Expected a sound qcow2 image, but QEMU has marked it as corrupt. Repair a copy with qemu-img check -r all.',
    );
  }
  refuseUnknownFeatures(incompatible, extensions.incompatibleNames);
}

function refuseUnknownFeatures(incompatible: bigint, names: ReadonlyMap<number, string>): void {
  const known = Object.values(layout.incompatible).reduce((all, bit) => all | bit, 0n);
  const unknown = Array.from({ length: 64 }, (_, bit) => bit).filter(
    (bit) => ((incompatible & ~known) >> BigInt(bit)) & 1n,
  );
  if (unknown.length > 0) {
    const list = unknown.map((bit) => quote(names.get(bit) ?? `bit ${bit}`)).join(', ');
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected known qcow2 features, but the image needs: ${list}.`,
    );
  }
}
