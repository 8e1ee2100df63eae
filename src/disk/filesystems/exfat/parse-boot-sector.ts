import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { peek } from '../../peek.ts';
import { bootChecksum } from './checksums.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  boot,
  bootSectorBytes,
  checkedSectors,
  firstCluster,
  mostClusters,
  mostClusterShift,
  sectorShift,
  systemName,
  volumeFlag,
} from './layout.ts';

/** Where everything is; byte offsets count from the start of the volume. */
export interface BootSector {
  readonly bytesPerSector: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly tableStart: number;
  /** Where the clusters begin. */
  readonly heapStart: number;
  readonly rootCluster: number;
  readonly totalBytes: number;
  readonly clean: boolean;
  readonly uuid: string;
}

/** True when the volume begins like an exFAT. */
export function looksLikeExfat(volume: ByteSource): boolean {
  const bytes = peek(volume, 0n, bootSectorBytes);
  return (
    bytes !== undefined &&
    bytes.toString('latin1', boot.systemName, boot.zeros) === systemName &&
    bytes.readUInt16LE(boot.signature) === 0xaa55 &&
    bytes.subarray(boot.zeros, boot.zerosEnd).every((byte) => byte === 0)
  );
}

/** @throws `filesystem_corrupt`, `filesystem_unsupported`, `image_truncated` */
export function parseBootSector(volume: ByteSource): BootSector {
  const bytes = readBytes(volume, 0n, bootSectorBytes);
  const shift = bytes.readUInt8(boot.sectorShift);
  const clusterShift = shift + bytes.readUInt8(boot.clusterShift);
  if (shift < sectorShift.least || shift > sectorShift.most || clusterShift > mostClusterShift) {
    throw filesystemCorrupt(
      `Expected sectors of 512 to 4096 bytes and clusters of at most 32 MiB, but found 2^${shift} and 2^${clusterShift}.`,
    );
  }
  const bytesPerSector = 2 ** shift;
  assertSupported(bytes);
  assertChecksum(volume, bytesPerSector);
  const total = bytes.readBigUInt64LE(boot.volumeSectors) * BigInt(bytesPerSector);
  if (total > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${total} bytes of exFAT, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  const clusterBytes = 2 ** clusterShift;
  const clusters = bytes.readUInt32LE(boot.clusters);
  const tableStart = bytes.readUInt32LE(boot.tableSector) * bytesPerSector;
  const tableBytes = bytes.readUInt32LE(boot.tableSectors) * bytesPerSector;
  const heapStart = bytes.readUInt32LE(boot.heapSector) * bytesPerSector;
  const rootCluster = bytes.readUInt32LE(boot.rootCluster);
  const isPossible =
    clusters >= 1 &&
    clusters <= mostClusters &&
    tableStart >= checkedSectors * bytesPerSector &&
    tableBytes >= (clusters + firstCluster) * 4 &&
    heapStart >= tableStart + tableBytes &&
    heapStart + clusters * clusterBytes <= Number(total) &&
    rootCluster >= firstCluster &&
    rootCluster < clusters + firstCluster;
  if (!isPossible) {
    throw filesystemCorrupt(
      `Expected room for a table and ${clusters} clusters in ${total} bytes, but there is none.`,
    );
  }
  const flags = bytes.readUInt16LE(boot.flags);
  return {
    bytesPerSector,
    clusterBytes,
    clusters,
    tableStart,
    heapStart,
    rootCluster,
    totalBytes: Number(total),
    clean: (flags & (volumeFlag.dirty | volumeFlag.mediaFailure)) === 0,
    uuid: serialNumber(bytes.readUInt32LE(boot.serial)),
  };
}

function assertSupported(bytes: Buffer): void {
  const major = bytes.readUInt8(boot.revisionMajor);
  const tables = bytes.readUInt8(boot.tables);
  if (major !== 1 || tables !== 1) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected exFAT 1 with one allocation table, but found version ${major} with ${tables} (as TexFAT has).`,
    );
  }
}

function assertChecksum(volume: ByteSource, bytesPerSector: number): void {
  const checked = checkedSectors * bytesPerSector;
  const bytes = peek(volume, 0n, checked + 4);
  if (bytes === undefined || bytes.readUInt32LE(checked) !== bootChecksum(bytes.subarray(0, checked))) {
    throw filesystemCorrupt('Expected the checksum of the boot sectors, but found another.');
  }
}

/** As blkid prints it. */
function serialNumber(serial: number): string {
  const digits = serial.toString(16).toUpperCase().padStart(8, '0');
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}
