import { binaryReader } from '../../../lib/binary-reader.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './journal-layout.ts';
import type { JournalSuperblock } from './parse-journal-superblock.ts';

/** One logged block, as a descriptor block announces it. */
export interface JournalTag {
  /** Where the block belongs in the filesystem. */
  readonly block: number;
  /** Its first four bytes were replaced, because they looked like the header of a journal block. */
  readonly isEscaped: boolean;
  /** 32 bits in version 3, the lower 16 in version 2. */
  readonly checksum: number;
}

export interface JournalBlockHeader {
  readonly type: number;
  readonly sequence: number;
}

/** Undefined when the block is not part of the log. */
export function parseJournalBlockHeader(block: Buffer): JournalBlockHeader | undefined {
  if (block.readUInt32BE(layout.blockHeader.magic) !== layout.magic) {
    return undefined;
  }
  return {
    type: block.readUInt32BE(layout.blockHeader.type),
    sequence: block.readUInt32BE(layout.blockHeader.sequence),
  };
}

export function parseDescriptorBlock(block: Buffer, journal: JournalSuperblock): readonly JournalTag[] {
  const has64 = (journal.incompat & layout.incompat.bits64) !== 0;
  const isVersion3 = (journal.incompat & layout.incompat.checksumVersion3) !== 0;
  const isVersion2 = (journal.incompat & layout.incompat.checksumVersion2) !== 0;
  const tagBytes = isVersion3 ? 16 : 8 + (isVersion2 ? 2 : 0) + (has64 ? 4 : 0);
  const end = block.length - (journal.hasChecksums ? layout.tailBytes : 0);
  const tags: JournalTag[] = [];
  for (let at = layout.blockHeader.bytes; at + tagBytes <= end; ) {
    const flags = isVersion3 ? block.readUInt32BE(at + 4) : block.readUInt16BE(at + 6);
    const high = has64 ? block.readUInt32BE(at + 8) : 0;
    tags.push({
      block: block.readUInt32BE(at) + high * 2 ** 32,
      isEscaped: (flags & layout.tagFlag.escaped) !== 0,
      checksum: isVersion3 ? block.readUInt32BE(at + 12) : block.readUInt16BE(at + 4),
    });
    at += tagBytes + ((flags & layout.tagFlag.sameUuid) === 0 ? layout.tagUuidBytes : 0);
    if ((flags & layout.tagFlag.last) !== 0) {
      break;
    }
  }
  return tags;
}

/** The blocks of the filesystem whose earlier logged copies must not be written back. */
export function parseRevokeBlock(block: Buffer, journal: JournalSuperblock): readonly number[] {
  const reader = binaryReader(block, {
    order: 'big',
    code: 'filesystem_corrupt',
    what: 'a revoke block of the journal',
  });
  const has64 = (journal.incompat & layout.incompat.bits64) !== 0;
  const end = reader.u32(layout.revoke.bytesUsed);
  if (end > block.length - (journal.hasChecksums ? layout.tailBytes : 0)) {
    throw filesystemCorrupt(`Expected a revoke block of ${block.length} bytes, but it claims ${end}.`);
  }
  const blocks: number[] = [];
  const step = has64 ? 8 : 4;
  for (let at = layout.revoke.first; at + step <= end; at += step) {
    blocks.push(has64 ? reader.u32(at) * 2 ** 32 + reader.u32(at + 4) : reader.u32(at));
  }
  return blocks;
}

/** True when the checksum at the end of a descriptor or revoke block fits, or there is none. */
export function hasSoundTail(block: Buffer, journal: JournalSuperblock): boolean {
  if (!journal.hasChecksums) {
    return true;
  }
  return matches(block, block.length - layout.tailBytes, journal);
}

export function hasSoundCommit(block: Buffer, journal: JournalSuperblock): boolean {
  return !journal.hasChecksums || matches(block, layout.commit.checksum, journal);
}

/** True when a logged block is as its tag says. */
export function hasSoundData(
  block: Buffer,
  tag: JournalTag,
  sequence: number,
  journal: JournalSuperblock,
): boolean {
  if (!journal.hasChecksums) {
    return true;
  }
  const number = Buffer.alloc(4);
  number.writeUInt32BE(sequence);
  const found = crc32c(crc32c(journal.checksumSeed, number), block);
  const isVersion3 = (journal.incompat & layout.incompat.checksumVersion3) !== 0;
  return tag.checksum === (isVersion3 ? found : found & 0xffff);
}

function matches(block: Buffer, place: number, journal: JournalSuperblock): boolean {
  const zeroed = Buffer.from(block);
  zeroed.writeUInt32BE(0, place);
  return crc32c(journal.checksumSeed, zeroed) === block.readUInt32BE(place);
}
