import { readBytes, type ByteSource } from '../../../lib/byte-source.ts';
import { endOfChain, type NextCluster } from '../cluster-chain.ts';
import { firstCluster } from './layout.ts';
import type { BootSector } from './parse-boot-sector.ts';

/** Reads entries of the first copy of the table, one at a time: give it a source that remembers. */
export function openAllocationTable(metadata: ByteSource, layout: BootSector): NextCluster {
  return (cluster) => {
    const value = rawEntry(metadata, layout, cluster);
    const end = layout.width === 32 ? 0x0fff_fff8 : layout.width === 16 ? 0xfff8 : 0xff8;
    return value >= end ? endOfChain : value;
  };
}

/** As it is stored; the upper four bits of FAT32 are reserved and left out. */
export function rawEntry(metadata: ByteSource, layout: BootSector, cluster: number): number {
  if (layout.width === 12) {
    const start = layout.tableStart + cluster + (cluster >>> 1);
    const pair = readBytes(metadata, BigInt(start), 2).readUInt16LE(0);
    return (cluster & 1) === 0 ? pair & 0xfff : pair >>> 4;
  }
  if (layout.width === 16) {
    return readBytes(metadata, BigInt(layout.tableStart + cluster * 2), 2).readUInt16LE(0);
  }
  return readBytes(metadata, BigInt(layout.tableStart + cluster * 4), 4).readUInt32LE(0) & 0x0fff_ffff;
}

/** Clusters that no file has: the whole table is read in pieces of 64 KiB. */
export function countFreeClusters(volume: ByteSource, layout: BootSector): number {
  const piece = 65_536 - (65_536 % 12);
  const last = layout.clusters + firstCluster;
  const perPiece = (piece * 8) / layout.width;
  let free = 0;
  for (let first = 0; first < last; first += perPiece) {
    const from = layout.tableStart + (first * layout.width) / 8;
    const length = Math.min(piece, layout.tableStart + layout.tableBytes - from);
    const bytes = readBytes(volume, BigInt(from), Math.max(0, length));
    const until = Math.min(perPiece, last - first);
    for (let index = 0; index < until; index += 1) {
      free += first + index >= firstCluster && entryAt(bytes, layout.width, index) === 0 ? 1 : 0;
    }
  }
  return free;
}

function entryAt(bytes: Buffer, width: number, index: number): number {
  if (width === 32) {
    return bytes.readUInt32LE(index * 4) & 0x0fff_ffff;
  }
  if (width === 16) {
    return bytes.readUInt16LE(index * 2);
  }
  const pair = bytes.readUInt16LE(index + (index >>> 1));
  return (index & 1) === 0 ? pair & 0xfff : pair >>> 4;
}
