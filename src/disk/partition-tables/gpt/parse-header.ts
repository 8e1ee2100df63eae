import { crc32 } from 'node:zlib';
import { binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { formatGuid } from '../../format-guid.ts';
import * as layout from './layout.ts';

export interface GptHeader {
  readonly sectorSize: number;
  readonly diskGuid: string;
  readonly entryCount: number;
  readonly entrySize: number;
  /** The whole array of entries, its checksum verified. */
  readonly entries: Buffer;
}

/** The header in sector `number`, or undefined when it or its entries do not match their checksums. */
export function parseHeader(disk: ByteSource, sectorSize: number, number: bigint): GptHeader | undefined {
  const sector = peek(disk, number * BigInt(sectorSize), sectorSize);
  if (sector === undefined || sector.toString('latin1', 0, 8) !== layout.signature) {
    return undefined;
  }
  const reader = binaryReader(sector, { order: 'little', code: 'image_corrupt', what: 'a GPT header' });
  const headerSize = reader.u32(layout.header.headerSize);
  const entryCount = reader.u32(layout.header.entries);
  const entrySize = reader.u32(layout.header.entrySize);
  if (
    headerSize < layout.header.leastBytes ||
    headerSize > sectorSize ||
    reader.u32(layout.header.revision) < layout.revision1 ||
    reader.u64(layout.header.ownSector) !== number ||
    entrySize < layout.entry.leastBytes ||
    entrySize > layout.largestEntrySize ||
    entryCount * entrySize > layout.mostEntriesBytes ||
    !isSound(sector.subarray(0, headerSize), reader.u32(layout.header.checksum))
  ) {
    return undefined;
  }
  const place = reader.u64(layout.header.entriesSector) * BigInt(sectorSize);
  const entries = peek(disk, place, entryCount * entrySize);
  if (entries === undefined || crc32(entries) !== reader.u32(layout.header.entriesChecksum)) {
    return undefined;
  }
  return {
    sectorSize,
    diskGuid: formatGuid(reader.bytes(layout.header.diskGuid, 16)),
    entryCount,
    entrySize,
    entries,
  };
}

function isSound(header: Buffer, found: number): boolean {
  const zeroed = Buffer.from(header);
  zeroed.writeUInt32LE(0, layout.header.checksum);
  return crc32(zeroed) === found;
}
