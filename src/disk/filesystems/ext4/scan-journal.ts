import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { blockType } from './journal-layout.ts';
import {
  hasSoundCommit,
  hasSoundTail,
  type JournalTag,
  parseDescriptorBlock,
  parseJournalBlockHeader,
  parseRevokeBlock,
} from './parse-journal-block.ts';
import type { JournalSuperblock } from './parse-journal-superblock.ts';

/** 1 GiB of blocks of 4 KiB, which is the largest journal that mke2fs makes by itself. */
const mostTags = 262_144;
const mostRevokes = 1_048_576;

export interface LoggedBlock {
  readonly tag: JournalTag;
  readonly sequence: number;
  /** Block of the journal that holds the content. */
  readonly place: number;
}

export interface JournalScan {
  /** Of complete transactions only, oldest first. */
  readonly logged: readonly LoggedBlock[];
  /** For each revoked block the last transaction that revoked it. */
  readonly revoked: ReadonlyMap<number, number>;
  /** Number of the first transaction that is not complete. */
  readonly end: number;
}

/** Walks the log as the kernel does: a transaction counts when its commit block is there and sound. */
export function scanJournal(source: ByteSource, journal: JournalSuperblock): JournalScan {
  const logged: LoggedBlock[] = [];
  const revoked = new Map<number, number>();
  let open: { readonly logged: LoggedBlock[]; readonly revoked: number[] } = { logged: [], revoked: [] };
  let sequence = journal.sequence;
  let place = journal.start;
  let budget = journal.end - journal.first;

  const advance = (blocks: number): void => {
    place = journal.first + ((place - journal.first + blocks) % (journal.end - journal.first));
    budget -= blocks;
  };

  while (budget > 0) {
    const block = readBytes(source, BigInt(place) * BigInt(journal.blockSize), journal.blockSize);
    const header = parseJournalBlockHeader(block);
    if (header === undefined || header.sequence !== sequence) {
      break;
    }
    advance(1);
    if (header.type === blockType.commit) {
      if (!hasSoundCommit(block, journal)) {
        break;
      }
      logged.push(...open.logged);
      for (const revokedBlock of open.revoked) {
        revoked.set(revokedBlock, sequence);
      }
      if (logged.length > mostTags || revoked.size > mostRevokes) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected at most ${mostTags} logged and ${mostRevokes} revoked blocks in the journal, but it has more.`,
        );
      }
      open = { logged: [], revoked: [] };
      sequence = (sequence + 1) >>> 0;
      continue;
    }
    if (header.type !== blockType.descriptor && header.type !== blockType.revoke) {
      break;
    }
    // A block of an older round of the log can stand here with the right number: only its checksum tells.
    if (!hasSoundTail(block, journal)) {
      break;
    }
    if (header.type === blockType.revoke) {
      open.revoked.push(...parseRevokeBlock(block, journal));
      continue;
    }
    for (const tag of parseDescriptorBlock(block, journal)) {
      open.logged.push({ tag, sequence, place });
      advance(1);
    }
  }
  return { logged, revoked, end: sequence };
}
