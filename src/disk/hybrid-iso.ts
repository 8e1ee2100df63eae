import type { ByteSource } from '../lib/byte-source.ts';
import { filesystemFormats } from './filesystems/registry.ts';
import { protectiveType } from './partition-tables/boot-sector-layout.ts';
import { parseBootSector } from './partition-tables/parse-boot-sector.ts';
import type { Partition } from './partition-tables/types.ts';

/** Byte offset of the first descriptor of an ISO 9660. */
const isoStart = 32_768n;

/**
 * True for the ISO 9660 of a hybrid image, whose partition table is written into its unused first bytes: it covers the
 * whole disk. Some entry covers its start, be it of no type; otherwise it is what is left of an older content of the disk.
 */
export function hasHybridIso(disk: ByteSource, partitions: readonly Partition[]): boolean {
  const entries = parseBootSector(disk, 0n)?.entries.filter(({ type }) => type !== protectiveType) ?? [];
  const isCovered =
    partitions.some(({ start, size }) => coversIso(start, size)) ||
    entries.some(({ start, sectors }) => coversIso(BigInt(start) * 512n, BigInt(sectors) * 512n));
  const format = filesystemFormats.find(({ id }) => id === 'iso9660');
  return isCovered && format !== undefined && format.detect(disk).answer !== 'no';
}

/** Whether a part of the disk holds the beginning of such an ISO 9660. Bytes. */
export function coversIso(start: bigint, size: bigint): boolean {
  return start <= isoStart && isoStart < start + size;
}
