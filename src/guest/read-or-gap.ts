import { ColdpatchError } from '../lib/errors.ts';
import type { Gap, GapReason } from '../lib/gap.ts';

/**
 * The answer of `read`; or undefined, with a gap, when the image prevents it.
 * A file that is too large or lies on a broken part of the disk must not end the whole inspection.
 */
export function readOrGap<T>(where: string, gaps: Gap[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    gaps.push(gapOfError(where, error));
    return undefined;
  }
}

/** The gap that an error of the image's making leaves; every other error is thrown again. */
export function gapOfError(where: string, error: unknown): Gap {
  if (!(error instanceof ColdpatchError) || error.code === 'internal') throw error;
  return { where, reason: reasonOf(error), detail: error.message };
}

function reasonOf(error: ColdpatchError): GapReason {
  switch (error.code) {
    case 'limit_exceeded':
      return 'limit';
    case 'path_not_found':
    case 'volume_missing':
      return 'missing';
    case 'filesystem_unsupported':
    case 'volume_unsupported':
    case 'image_format_unsupported':
      return 'unsupported';
    default:
      return 'corrupt';
  }
}
