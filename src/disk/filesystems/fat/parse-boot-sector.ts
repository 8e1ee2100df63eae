import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import {
  boot,
  bootSectorBytes,
  entryBytes,
  extendedBoot,
  mostClusters,
  stateDirty,
  wideBoot,
} from './layout.ts';

export type FatWidth = 12 | 16 | 32;

/** Where everything is; byte offsets count from the start of the volume. */
export interface BootSector {
  readonly width: FatWidth;
  readonly bytesPerSector: number;
  readonly clusterBytes: number;
  readonly clusters: number;
  readonly tableStart: number;
  readonly tableBytes: number;
  readonly tables: number;
  /** The fixed root directory of FAT12 and FAT16; of no bytes in FAT32. */
  readonly rootStart: number;
  readonly rootBytes: number;
  /** Of FAT32, else 0. */
  readonly rootCluster: number;
  /** Where the clusters begin. */
  readonly dataStart: number;
  readonly totalBytes: number;
  /** Byte offset of FAT32's information sector; undefined without one. */
  readonly infoStart?: number;
  readonly dirty: boolean;
  readonly uuid: string;
  /** As the boot sector has it; the root directory's is the one that counts. */
  readonly label: string;
}

/** The boot sector, or undefined when these bytes are none. */
export function parseBootSector(volume: ByteSource): BootSector | undefined {
  const bytes = peek(volume, 0n, bootSectorBytes);
  if (bytes === undefined || !looksLikeFat(bytes)) {
    return undefined;
  }
  const bytesPerSector = bytes.readUInt16LE(boot.bytesPerSector);
  const clusterBytes = bytes.readUInt8(boot.sectorsPerCluster) * bytesPerSector;
  const tableSectors16 = bytes.readUInt16LE(boot.tableSectors16);
  const tableSectors = tableSectors16 === 0 ? bytes.readUInt32LE(wideBoot.tableSectors) : tableSectors16;
  const tables = bytes.readUInt8(boot.tables);
  const sectors16 = bytes.readUInt16LE(boot.sectors16);
  const sectors = sectors16 === 0 ? bytes.readUInt32LE(boot.sectors32) : sectors16;
  const tableStart = bytes.readUInt16LE(boot.reservedSectors) * bytesPerSector;
  const tableBytes = tableSectors * bytesPerSector;
  const rootStart = tableStart + tables * tableBytes;
  const rootBytes = bytes.readUInt16LE(boot.rootEntries) * entryBytes;
  const dataStart = rootStart + Math.ceil(rootBytes / bytesPerSector) * bytesPerSector;
  const totalBytes = sectors * bytesPerSector;
  const clusters = Math.floor((totalBytes - dataStart) / clusterBytes);
  const width = widthOf(tableSectors16, clusters);
  if (tableBytes === 0 || clusters < 1 || clusters > mostClusters[width]) {
    return undefined;
  }
  const extended = width === 32 ? extendedBoot.wide : extendedBoot.narrow;
  const hasSerial = [0x28, 0x29].includes(bytes.readUInt8(extended.signature));
  const hasLabel = bytes.readUInt8(extended.signature) === 0x29;
  const infoSector = width === 32 ? bytes.readUInt16LE(wideBoot.infoSector) : 0;
  return {
    width,
    bytesPerSector,
    clusterBytes,
    clusters,
    tableStart,
    tableBytes,
    tables,
    rootStart,
    rootBytes: width === 32 ? 0 : rootBytes,
    rootCluster: width === 32 ? bytes.readUInt32LE(wideBoot.rootCluster) : 0,
    dataStart,
    totalBytes,
    ...(infoSector === 0 || infoSector === 0xffff ? {} : { infoStart: infoSector * bytesPerSector }),
    dirty: (bytes.readUInt8(extended.state) & stateDirty) !== 0,
    uuid: hasSerial ? serialNumber(bytes.readUInt32LE(extended.serial)) : '',
    label: hasLabel ? bytes.toString('latin1', extended.label, extended.label + 11) : '',
  };
}

/** The tests of Linux and blkid: a boot record of a disk, NTFS and exFAT fail them. */
function looksLikeFat(bytes: Buffer): boolean {
  const sector = bytes.readUInt16LE(boot.bytesPerSector);
  const cluster = bytes.readUInt8(boot.sectorsPerCluster);
  const media = bytes.readUInt8(boot.media);
  const tables = bytes.readUInt8(boot.tables);
  return (
    bytes.readUInt16LE(boot.signature) === 0xaa55 &&
    [0xeb, 0xe9].includes(bytes.readUInt8(boot.jump)) &&
    [512, 1024, 2048, 4096].includes(sector) &&
    isPowerOfTwo(cluster) &&
    bytes.readUInt16LE(boot.reservedSectors) > 0 &&
    tables >= 1 &&
    tables <= 4 &&
    (media === 0xf0 || media >= 0xf8)
  );
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

function widthOf(tableSectors16: number, clusters: number): FatWidth {
  if (tableSectors16 === 0) {
    return 32;
  }
  return clusters > mostClusters[12] ? 16 : 12;
}

/** As blkid prints it; a number of zero is none. */
function serialNumber(serial: number): string {
  const digits = serial.toString(16).toUpperCase().padStart(8, '0');
  return serial === 0 ? '' : `${digits.slice(0, 4)}-${digits.slice(4)}`;
}
