import { type ErrorCode, isColdpatchError } from '../../lib/errors.ts';
import type { Gap, GapReason } from '../../lib/gap.ts';

const reasons: Partial<Record<ErrorCode, GapReason>> = {
  volume_corrupt: 'corrupt',
  volume_unsupported: 'unsupported',
  volume_missing: 'missing',
  limit_exceeded: 'limit',
};

/** The gap that an error of a volume manager leaves; every other error is thrown again. */
export function gapOfError(where: string, error: unknown): Gap {
  const reason = isColdpatchError(error) ? reasons[error.code] : undefined;
  if (reason === undefined) throw error;
  return { where, reason, detail: (error as Error).message };
}
