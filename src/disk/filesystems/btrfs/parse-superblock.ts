import { formatUuid } from '../../format-uuid.ts';
import { checksumKinds, type ChecksumKind, isSum } from './checksums.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { readerOver } from './reader-over.ts';

/** Where a tree begins. */
export interface TreeRoot {
  readonly address: bigint;
  readonly level: number;
  /** Undefined when what names the tree does not tell. */
  readonly generation?: bigint;
}

/** The superblock; addresses are logical ones. */
export interface Superblock {
  readonly uuid: string;
  /** What the header of every node repeats. */
  readonly nodeUuid: Uint8Array;
  readonly label: string;
  readonly generation: bigint;
  readonly flags: bigint;
  readonly rootTree: TreeRoot;
  readonly chunkTree: TreeRoot;
  /** Zero when nothing was written by fsync since the last commit. */
  readonly logTree: bigint;
  readonly totalBytes: bigint;
  readonly usedBytes: bigint;
  readonly rootDirectory: bigint;
  readonly devices: bigint;
  readonly device: { readonly id: bigint; readonly bytes: bigint; readonly usedBytes: bigint };
  readonly sectorSize: number;
  readonly nodeSize: number;
  readonly incompat: bigint;
  readonly checksum: ChecksumKind;
  readonly systemChunks: Uint8Array;
}

/** Checks and reads one copy of the superblock, 4096 bytes that should lie at byte `offset`. */
export function parseSuperblock(bytes: Uint8Array, offset: bigint): Superblock {
  const reader = readerOver(bytes, 'the btrfs superblock');
  const place = layout.superblock;
  if (reader.text(place.magic, 8) !== layout.superblockMagic || reader.u64(place.address) !== offset) {
    throw filesystemCorrupt(`Expected a btrfs superblock at byte ${offset}, but there is none.`);
  }
  const checksum = checksumKinds[reader.u16(place.checksumType)];
  if (checksum === undefined) {
    throw filesystemCorrupt(
      `Expected a known checksum type in the superblock, found ${reader.u16(place.checksumType)}.`,
    );
  }
  if (!isSum(checksum, bytes.subarray(layout.header.checksumBytes), bytes)) {
    throw filesystemCorrupt(
      `Expected the superblock at byte ${offset} to match its ${checksum.name} checksum.`,
    );
  }
  const sectorSize = sizeOf('sectors', reader.u32(place.sectorSize));
  const nodeSize = sizeOf('nodes', reader.u32(place.nodeSize));
  const systemChunkBytes = reader.u32(place.systemChunkBytes);
  if (nodeSize < sectorSize || systemChunkBytes > place.systemChunksBytes) {
    throw filesystemCorrupt(
      `Expected nodes of at least a sector and at most ${place.systemChunksBytes} bytes of system chunks, ` +
        `found ${nodeSize} and ${systemChunkBytes}.`,
    );
  }
  const features = reader.u64(place.incompat);
  const nodeUuid = (features & layout.incompat.metadataUuid) === 0n ? place.fsid : place.metadataUuid;
  const generation = reader.u64(place.generation);
  return {
    uuid: formatUuid(reader.bytes(place.fsid, 16)),
    nodeUuid: reader.bytes(nodeUuid, 16),
    label: reader.text(place.label, place.labelBytes),
    generation,
    flags: reader.u64(place.flags),
    rootTree: { address: reader.u64(place.rootTree), level: reader.u8(place.rootLevel), generation },
    chunkTree: {
      address: reader.u64(place.chunkTree),
      level: reader.u8(place.chunkLevel),
      generation: reader.u64(place.chunkGeneration),
    },
    logTree: reader.u64(place.logTree),
    totalBytes: reader.u64(place.totalBytes),
    usedBytes: reader.u64(place.usedBytes),
    rootDirectory: reader.u64(place.rootDirectory),
    devices: reader.u64(place.devices),
    device: {
      id: reader.u64(place.deviceId),
      bytes: reader.u64(place.deviceBytes),
      usedBytes: reader.u64(place.deviceUsedBytes),
    },
    sectorSize,
    nodeSize,
    incompat: features,
    checksum,
    systemChunks: reader.bytes(place.systemChunks, systemChunkBytes),
  };
}

function sizeOf(what: string, size: number): number {
  if (size < 4096 || size > 65_536 || (size & (size - 1)) !== 0) {
    throw filesystemCorrupt(`Expected ${what} of 4 to 64 KiB, found ${size} bytes.`);
  }
  return size;
}
