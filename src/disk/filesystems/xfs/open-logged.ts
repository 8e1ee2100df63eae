import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { type LogState, readLogState } from './log-state.ts';
import type { Superblock } from './parse-superblock.ts';
import { replayLog } from './replay-log.ts';

export interface LoggedVolume {
  readonly volume: ByteSource;
  /** It was unmounted. */
  readonly isClean: boolean;
  /** Why the latest changes are not in `volume`; undefined when they are. */
  readonly missing: string | undefined;
}

/** The volume as a mount would see it, or why what its log holds cannot be known. */
export function openLogged(volume: ByteSource, superblock: Superblock): LoggedVolume {
  const lacking = (missing: string): LoggedVolume => ({ volume, isClean: false, missing });
  try {
    const state: LogState = readLogState(volume, superblock);
    if (state.kind === 'empty') {
      return { volume, isClean: true, missing: undefined };
    }
    if (state.kind === 'unknown') {
      return lacking(state.detail);
    }
    const replay = replayLog(volume, superblock, state.end);
    return replay.kind === 'replayed'
      ? { volume: replay.volume, isClean: false, missing: undefined }
      : lacking(replay.detail);
  } catch (error) {
    if (isColdpatchError(error, 'filesystem_corrupt', 'limit_exceeded', 'image_truncated')) {
      return lacking(error.message);
    }
    throw error;
  }
}
