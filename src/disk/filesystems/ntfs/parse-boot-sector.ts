import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { exactNumber } from './exact-number.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { boot, bootEndMark, bootSectorBytes, bootSignature, protectedBytes } from './layout.ts';
import { structureReader } from './structure-reader.ts';

const largestCluster = 2 * 1024 * 1024;
const largestRecord = 4096;
const largestIndexBlock = 64 * 1024;
const mostClusters = 2 ** 32;

/** The geometry of a volume; sizes in bytes. */
export interface BootSector {
  readonly sectorSize: number;
  readonly clusterSize: number;
  /** Whole clusters of the volume. */
  readonly clusters: number;
  readonly totalBytes: bigint;
  readonly recordSize: number;
  readonly indexBlockSize: number;
  /** First cluster of $MFT. */
  readonly mftCluster: number;
  /** First cluster of $MFTMirr, a copy of the first records. */
  readonly mirrorCluster: number;
  readonly serial: bigint;
}

/** True when the sector says that it belongs to NTFS; the rest of it may still be wrong. */
export function isBootSector(bytes: Buffer): boolean {
  return (
    bytes.length >= bootSectorBytes &&
    bytes.toString('latin1', boot.signature, boot.signature + bootSignature.length) === bootSignature
  );
}

/** @throws filesystem_corrupt when the numbers make no volume. */
export function parseBootSector(bytes: Buffer): BootSector {
  if (!isBootSector(bytes) || bytes.readUInt16LE(boot.endMark) !== bootEndMark) {
    throw filesystemCorrupt('Expected a boot sector of NTFS, but its marks are missing.');
  }
  const reader = structureReader(bytes, 'the boot sector');
  const sectorSize = powerOfTwo(reader.u16(boot.bytesPerSector), 256, 4096, 'bytes in a sector');
  const perCluster = reader.u8(boot.sectorsPerCluster);
  const sectorsPerCluster = perCluster <= 128 ? perCluster : 2 ** (256 - perCluster);
  const clusterSize = powerOfTwo(
    sectorsPerCluster * sectorSize,
    sectorSize,
    largestCluster,
    'bytes in a cluster',
  );
  const recordSize = sizeOf(reader, boot.recordSize, clusterSize, largestRecord, 'bytes in a file record');
  const indexBlockSize = sizeOf(
    reader,
    boot.indexBlockSize,
    clusterSize,
    largestIndexBlock,
    'bytes in an index block',
  );
  const totalSectors = exactNumber(reader.u64(boot.totalSectors), 'the number of sectors');
  const clusters = Math.floor(totalSectors / sectorsPerCluster);
  if (clusters < 1 || clusters > mostClusters) {
    throw filesystemCorrupt(`Expected 1 to ${mostClusters} clusters, but the boot sector says ${clusters}.`);
  }
  const clusterOf = (offset: number, what: string): number => {
    const cluster = exactNumber(reader.u64(offset), `the place of ${what}`);
    if (cluster >= clusters) {
      throw filesystemCorrupt(`Expected ${what} below cluster ${clusters}, but found it at ${cluster}.`);
    }
    return cluster;
  };
  return {
    sectorSize,
    clusterSize,
    clusters,
    totalBytes: BigInt(totalSectors) * BigInt(sectorSize),
    recordSize,
    indexBlockSize,
    mftCluster: clusterOf(boot.mftCluster, '$MFT'),
    mirrorCluster: clusterOf(boot.mirrorCluster, '$MFTMirr'),
    serial: reader.u64(boot.serial),
  };
}

function sizeOf(
  reader: BinaryReader,
  offset: number,
  clusterSize: number,
  most: number,
  what: string,
): number {
  const stored = (reader.u8(offset) << 24) >> 24;
  return powerOfTwo(stored > 0 ? stored * clusterSize : 2 ** -stored, protectedBytes, most, what);
}

function powerOfTwo(value: number, least: number, most: number, what: string): number {
  if (value < least || value > most || (value & (value - 1)) !== 0) {
    throw filesystemCorrupt(`Expected ${least} to ${most} ${what}, a power of two, but found ${value}.`);
  }
  return value;
}
