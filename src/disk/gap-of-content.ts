import { type ErrorCode, isColdpatchError } from '../lib/errors.ts';
import type { Gap, GapReason } from '../lib/gap.ts';
import type { Volume } from './types.ts';

const reasons: Partial<Record<ErrorCode, GapReason>> = {
  filesystem_unsupported: 'unsupported',
  filesystem_corrupt: 'corrupt',
  volume_unsupported: 'unsupported',
  volume_corrupt: 'corrupt',
  limit_exceeded: 'limit',
};

/** The gap that an unreadable volume leaves. What stands in the way of the whole image is thrown again. */
export function gapOfContent({ name }: Volume, error: unknown): Gap {
  const reason = isColdpatchError(error) ? reasons[error.code] : undefined;
  if (reason === undefined) {
    throw error;
  }
  return { where: name, reason, detail: (error as Error).message };
}
