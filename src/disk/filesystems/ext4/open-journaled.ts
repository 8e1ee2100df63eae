import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { openInodeTable } from './inode-table.ts';
import { journalOverlay } from './journal-overlay.ts';
import { compat, incompat } from './layout.ts';
import { mappedContent } from './mapped-content.ts';
import type { Superblock } from './parse-superblock.ts';
import { replayJournal } from './replay-journal.ts';

export interface JournaledVolume {
  readonly volume: ByteSource;
  readonly gaps: readonly Gap[];
}

/** The volume as a mount would see it, or a gap when what the journal holds cannot be known. */
export function openJournaled(volume: ByteSource, superblock: Superblock): JournaledVolume {
  if ((superblock.incompat & incompat.recover) === 0) {
    return { volume, gaps: [] };
  }
  if ((superblock.compat & compat.hasJournal) === 0 || superblock.journalInode === 0) {
    return withGap(volume, 'its journal is on another device');
  }
  try {
    const volumes = { data: volume, metadata: volume };
    const inode = openInodeTable(volume, superblock)(superblock.journalInode);
    const journal = mappedContent(volumes, volume, superblock, inode);
    const replay = replayJournal(journal, superblock);
    if (replay.kind === 'not understood') {
      return withGap(volume, replay.detail);
    }
    return replay.blocks.size === 0
      ? { volume, gaps: [] }
      : { volume: journalOverlay(volume, journal, replay.blocks, superblock.blockSize), gaps: [] };
  } catch (error) {
    if (isColdpatchError(error, 'filesystem_corrupt', 'limit_exceeded')) {
      return withGap(volume, error.message);
    }
    throw error;
  }
}

function withGap(volume: ByteSource, detail: string): JournaledVolume {
  return {
    volume,
    gaps: [
      {
        where: 'journal',
        reason: 'unclean',
        detail: `The filesystem was not unmounted, and its latest changes were not read: ${detail}.`,
      },
    ],
  };
}
