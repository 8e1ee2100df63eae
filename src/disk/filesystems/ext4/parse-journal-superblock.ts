import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './journal-layout.ts';

export interface JournalSuperblock {
  readonly blockSize: number;
  /** The log is the blocks from `first` up to, not with, `end`, and goes round. */
  readonly first: number;
  readonly end: number;
  /** Where the oldest transaction starts; 0 for an empty journal. */
  readonly start: number;
  /** Number of the oldest transaction. */
  readonly sequence: number;
  readonly incompat: number;
  readonly hasChecksums: boolean;
  readonly checksumSeed: number;
}

/** Reads and checks the journal's own superblock, which is its first block. */
export function parseJournalSuperblock(journal: ByteSource): JournalSuperblock {
  const bytes = readBytes(journal, 0n, layout.superblockBytes);
  const reader = binaryReader(bytes, {
    order: 'big',
    code: 'filesystem_corrupt',
    what: 'the journal superblock',
  });
  const type = reader.u32(layout.blockHeader.type);
  const isVersion2 = type === layout.blockType.superblockVersion2;
  if (
    reader.u32(layout.blockHeader.magic) !== layout.magic ||
    (!isVersion2 && type !== layout.blockType.superblockVersion1)
  ) {
    throw filesystemCorrupt('Expected a journal superblock, but found none.');
  }
  const incompat = isVersion2 ? reader.u32(layout.superblock.incompat) : 0;
  const blockSize = reader.u32(layout.superblock.blockSize);
  const blocks = reader.u32(layout.superblock.blocks);
  const first = reader.u32(layout.superblock.first);
  const start = reader.u32(layout.superblock.start);
  const end = blocks - fastCommitBlocks(incompat, reader.u32(layout.superblock.fastCommitBlocks));
  const hasChecksums =
    (incompat & (layout.incompat.checksumVersion2 | layout.incompat.checksumVersion3)) !== 0;
  if (first < 1 || first >= end || start >= end || (start !== 0 && start < first)) {
    throw filesystemCorrupt(`Expected a log from block ${first} to ${end}, but it starts at ${start}.`);
  }
  if (BigInt(blocks) * BigInt(blockSize) > journal.size) {
    throw filesystemCorrupt(
      `Expected a journal of ${blocks} blocks, but its inode has only ${journal.size} bytes.`,
    );
  }
  if (hasChecksums) {
    verifyChecksum(bytes, reader.u8(layout.superblock.checksumType));
  }
  return {
    blockSize,
    first,
    end,
    start,
    sequence: reader.u32(layout.superblock.sequence),
    incompat,
    hasChecksums,
    checksumSeed: crc32c(0xffffffff, reader.bytes(layout.superblock.uuid, 16)),
  };
}

function fastCommitBlocks(incompat: number, stored: number): number {
  if ((incompat & layout.incompat.fastCommit) === 0) {
    return 0;
  }
  return stored === 0 ? layout.defaultFastCommitBlocks : stored;
}

function verifyChecksum(bytes: Buffer, type: number): void {
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt32BE(0, layout.superblock.checksum);
  // 4 stands for crc32c.
  if (type !== 4 || crc32c(0xffffffff, zeroed) !== bytes.readUInt32BE(layout.superblock.checksum)) {
    throw filesystemCorrupt('Expected the journal superblock to match its checksum, but it does not.');
  }
}
