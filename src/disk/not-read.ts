import type { Gap, GapReason } from '../lib/gap.ts';

/** The gap of a volume that was not read. `detail` goes on after "Partition 1 ...". */
export function notRead(where: string, reason: GapReason, detail: string): Gap {
  return { where, reason, detail: `${subjectOf(where)} ${detail}; it was not read.` };
}

function subjectOf(where: string): string {
  if (where === 'disk') return 'The disk';
  return /^partition \d/.test(where) ? where.replace('partition', 'Partition') : `The volume ${where}`;
}
