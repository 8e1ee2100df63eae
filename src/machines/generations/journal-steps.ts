/**
 * The durable steps of a replacement and of its recovery, in their order.
 * A crash test ends the process after each of them.
 */
export const journalSteps = [
  'synced',
  'counted',
  'staged',
  'linked',
  'intended',
  'rechecked',
  'replaced',
  'confirmed',
  'kept',
  'consumed',
  'finished',
] as const;

/** Steps that only a replacement takes back, because the original was written in between. */
export const restoringSteps = ['returned', 'restored'] as const;

/** Steps of the recovery alone; it also takes the last steps of a replacement. */
export const recoverySteps = ['undone', 'discarded', 'swept'] as const;

export type JournalStep =
  | (typeof journalSteps)[number]
  | (typeof restoringSteps)[number]
  | (typeof recoverySteps)[number];

/** Called after each durable step. */
export type OnStep = (step: JournalStep) => void | Promise<void>;
