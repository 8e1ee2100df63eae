import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { peek } from '../../peek.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { superblockBytes, superblockOffsets } from './layout.ts';
import { parseSuperblock, type Superblock } from './parse-superblock.ts';

export interface FoundSuperblock {
  readonly superblock: Superblock;
  readonly gaps: readonly Gap[];
}

/**
 * The superblock as a mount reads it, or its newest whole mirror when it is damaged; a gap says so then.
 *
 * @throws `filesystem_corrupt` when no copy is whole.
 */
export function readSuperblock(volume: ByteSource): FoundSuperblock {
  const [first, ...mirrors] = superblockOffsets;
  try {
    return { superblock: readAt(volume, first), gaps: [] };
  } catch (error) {
    const found = mirrors.flatMap((offset) => tryReadAt(volume, offset) ?? []);
    const superblock = found.toSorted((a, b) => Number(b.generation - a.generation))[0];
    if (superblock === undefined || !isColdpatchError(error, 'filesystem_corrupt')) {
      throw error;
    }
    const detail = `${error.message} A mirror of generation ${superblock.generation} was read in its place.`;
    return { superblock, gaps: [{ where: 'superblock', reason: 'corrupt', detail }] };
  }
}

function readAt(volume: ByteSource, offset: bigint): Superblock {
  const bytes = peek(volume, offset, superblockBytes);
  if (bytes === undefined) {
    throw filesystemCorrupt(
      `Expected a superblock at byte ${offset}, but there are only ${volume.size} bytes.`,
    );
  }
  return parseSuperblock(bytes, offset);
}

function tryReadAt(volume: ByteSource, offset: bigint): Superblock | undefined {
  try {
    return readAt(volume, offset);
  } catch (error) {
    if (isColdpatchError(error, 'filesystem_corrupt')) {
      return undefined;
    }
    throw error;
  }
}
