import { readBytes } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { bufferItem } from './log-layout.ts';
import type { LogItem } from './log-transactions.ts';
import type { Superblock } from './parse-superblock.ts';
import type { SectorOverlay } from './sector-overlay.ts';
import { setChecksum } from './set-checksum.ts';

const sectorBytes = 512;
const largestBuffer = 65_536;

export interface LoggedBuffer {
  /** Byte of the volume. */
  readonly position: number;
  readonly bytes: number;
  readonly isCancel: boolean;
  /** Of inodes, which have items of their own, or of quotas. */
  readonly isOfNoUse: boolean;
  readonly item: LogItem;
}

export function parseLoggedBuffer(item: LogItem): LoggedBuffer {
  const description = item.regions[0] as Buffer;
  if (description.length < bufferItem.map) {
    throw filesystemCorrupt('Expected the description of a buffer in the log, but it is too short.');
  }
  const flags = description.readUInt16LE(bufferItem.flags);
  const address = description.readBigUInt64LE(bufferItem.address);
  const bytes = description.readUInt16LE(bufferItem.sectors) * sectorBytes;
  if (address > BigInt(Number.MAX_SAFE_INTEGER) / BigInt(sectorBytes)) {
    throw filesystemCorrupt(`Expected a buffer of the log inside the filesystem, but it lies at ${address}.`);
  }
  return {
    position: Number(address) * sectorBytes,
    bytes,
    isCancel: (flags & bufferItem.flag.cancel) !== 0,
    isOfNoUse: (flags & (bufferItem.flag.inodes | bufferItem.flag.quota)) !== 0,
    item,
  };
}

/** Where a block says how new it is, and where its checksum and its UUID lie. */
interface Stamp {
  readonly sequence: number;
  readonly header: layout.HeaderPlaces;
}

/** Copies what was logged over the block, unless the block on the disk is as new. */
export function replayBuffer(
  overlay: SectorOverlay,
  superblock: Superblock,
  logged: LoggedBuffer,
  sequence: bigint,
): void {
  if (logged.bytes === 0 || logged.bytes > largestBuffer) {
    throw filesystemCorrupt(`Expected a buffer of the log to have up to 64 KiB, but found ${logged.bytes}.`);
  }
  const bytes = readBytes(overlay.source, BigInt(logged.position), logged.bytes);
  if (isAsNew(bytes, superblock, sequence)) {
    return;
  }
  copyChunks(bytes, logged.item);
  const stamp = stampOf(bytes);
  if (stamp !== undefined) {
    bytes.writeBigUInt64BE(sequence, stamp.sequence);
    setChecksum(bytes, stamp.header.checksum);
  }
  overlay.write(logged.position, bytes);
}

function isAsNew(bytes: Buffer, superblock: Superblock, sequence: bigint): boolean {
  const stamp = stampOf(bytes);
  if (
    stamp === undefined ||
    !superblock.metaUuid.equals(bytes.subarray(stamp.header.uuid, stamp.header.uuid + 16))
  ) {
    return false;
  }
  const stored = bytes.readBigUInt64BE(stamp.sequence);
  return stored !== 0n && stored !== 2n ** 64n - 1n && stored >= sequence;
}

/** Of the blocks that are read; nobody looks at the others. */
function stampOf(bytes: Buffer): Stamp | undefined {
  switch (bytes.readUInt32BE(0)) {
    case layout.superblockMagic:
      return {
        sequence: 240,
        header: {
          checksum: layout.superblock.checksum,
          uuid: layout.superblock.uuid,
          address: -1,
          owner: -1,
        },
      };
    case layout.freeSpace.magic:
      return { sequence: 208, header: layout.freeSpace.header };
    case layout.groupInodes.magic:
      return { sequence: 320, header: layout.groupInodes.header };
    case layout.mapBlock.checkedMagic:
      return { sequence: 32, header: layout.mapBlock.header };
    case layout.directoryBlock.checkedDataMagic:
    case layout.directoryBlock.checkedSingleMagic:
      return { sequence: 16, header: layout.directoryBlock.header };
    case layout.linkBlock.magic:
      return { sequence: 48, header: layout.linkBlock.header };
    default:
      return [layout.attributeBlock.checkedLeafMagic, layout.attributeBlock.checkedNodeMagic].some(
        (magic) => magic === bytes.readUInt16BE(layout.attributeBlock.magic),
      )
        ? { sequence: 24, header: layout.attributeBlock.header }
        : undefined;
  }
}

/** A bit of the map stands for 128 bytes; each run of bits has its bytes in one region, or in several. */
function copyChunks(bytes: Buffer, { regions }: LogItem): void {
  const description = regions[0] as Buffer;
  const words = description.readUInt32LE(bufferItem.mapWords);
  const bits = Math.min(words, Math.floor((description.length - bufferItem.map) / 4)) * 32;
  const isSet = (bit: number): boolean =>
    bit < bits &&
    ((description.readUInt32LE(bufferItem.map + Math.floor(bit / 32) * 4) >>> (bit % 32)) & 1) === 1;
  let region = 1;
  for (let bit = 0; bit < bits; ) {
    if (!isSet(bit)) {
      bit += 1;
      continue;
    }
    let end = bit;
    while (isSet(end)) {
      end += 1;
    }
    const data = regions[region];
    region += 1;
    const chunks = Math.min(end - bit, Math.floor((data?.length ?? 0) / bufferItem.chunkBytes));
    if (data === undefined || chunks === 0 || (bit + chunks) * bufferItem.chunkBytes > bytes.length) {
      throw filesystemCorrupt('Expected a buffer of the log to have the parts that its map names.');
    }
    data.copy(bytes, bit * bufferItem.chunkBytes, 0, chunks * bufferItem.chunkBytes);
    bit += chunks;
  }
}
