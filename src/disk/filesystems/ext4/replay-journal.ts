import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './journal-layout.ts';
import { hasSoundData } from './parse-journal-block.ts';
import { type JournalSuperblock, parseJournalSuperblock } from './parse-journal-superblock.ts';
import type { Superblock } from './parse-superblock.ts';
import { type JournalScan, scanJournal } from './scan-journal.ts';

/** Where the journal has newer content of a block of the filesystem. */
export interface ReplayedBlock {
  /** Block of the journal. */
  readonly place: number;
  readonly isEscaped: boolean;
}

export type JournalReplay =
  | { readonly kind: 'replayed'; readonly blocks: ReadonlyMap<number, ReplayedBlock> }
  | { readonly kind: 'not understood'; readonly detail: string };

/**
 * What a mount would write back from the journal, by blocks of the filesystem; nothing is written.
 * @param source the content of the journal's inode.
 */
export function replayJournal(source: ByteSource, superblock: Superblock): JournalReplay {
  const journal = parseJournalSuperblock(source);
  if (journal.blockSize !== superblock.blockSize) {
    throw filesystemCorrupt(
      `Expected a journal with blocks of ${superblock.blockSize} bytes, but found ${journal.blockSize}.`,
    );
  }
  const unknown = journal.incompat & ~layout.knownIncompat;
  if (unknown !== 0) {
    return notUnderstood(`the journal has unknown features (0x${(unknown >>> 0).toString(16)})`);
  }
  const isAsync = (journal.incompat & layout.incompat.asyncCommit) !== 0;
  if (isAsync && !journal.hasChecksums) {
    return notUnderstood('the journal has asynchronous commits with checksums of version 1');
  }
  const blocks = new Map<number, ReplayedBlock>();
  if (journal.start === 0) {
    return hasFastCommits(source, journal, journal.sequence)
      ? notUnderstood('the journal has fast commits')
      : { kind: 'replayed', blocks };
  }
  const scan = scanJournal(source, journal);
  if (hasFastCommits(source, journal, scan.end)) {
    return notUnderstood('the journal has fast commits');
  }
  for (const { tag, sequence, place } of scan.logged) {
    if (isRevoked(scan, tag.block, sequence)) {
      continue;
    }
    if (tag.block >= superblock.blocks) {
      return notUnderstood(`transaction ${sequence} has a block behind the end of the filesystem`);
    }
    const data = journal.hasChecksums
      ? readBytes(source, BigInt(place) * BigInt(journal.blockSize), journal.blockSize)
      : undefined;
    if (data !== undefined && !hasSoundData(data, tag, sequence, journal)) {
      return notUnderstood(`a block of transaction ${sequence} does not match its checksum`);
    }
    blocks.set(tag.block, { place, isEscaped: tag.isEscaped });
  }
  return { kind: 'replayed', blocks };
}

function notUnderstood(detail: string): JournalReplay {
  return { kind: 'not understood', detail };
}

/** Numbers of transactions go round at 2^32. */
function isRevoked(scan: JournalScan, block: number, sequence: number): boolean {
  const last = scan.revoked.get(block);
  return last !== undefined && ((sequence - last) | 0) <= 0;
}

/** True when the area behind the log starts with a fast commit of the transaction after the last complete one. */
function hasFastCommits(source: ByteSource, journal: JournalSuperblock, expected: number): boolean {
  if ((journal.incompat & layout.incompat.fastCommit) === 0) {
    return false;
  }
  // The kernel leaves one block between the log and the fast commits.
  const head = readBytes(
    source,
    (BigInt(journal.end) + 1n) * BigInt(journal.blockSize),
    layout.fastCommitHead.bytes,
  );
  return (
    head.readUInt16LE(0) === layout.fastCommitHead.tag &&
    head.readUInt32LE(layout.fastCommitHead.transaction) === expected
  );
}
