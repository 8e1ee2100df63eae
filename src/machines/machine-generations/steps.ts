/** The durable steps of taking a generation, in their order. A crash test ends the process after each of them. */
export const takingSteps = [
  'take_intended',
  'take_copied',
  'take_released',
  'take_described',
  'take_kept',
  'take_logged',
  'take_finished',
] as const;

/** The durable steps of rolling a machine back. From `back_committed` on, the generation comes back whatever happens. */
export const rollingBackSteps = [
  'back_intended',
  'back_staged',
  'back_linked',
  'back_described',
  'back_committed',
  'back_taken_away',
  'back_member',
  'back_replaced',
  'back_kept',
  'back_logged',
  'back_finished',
] as const;

/** The steps of taking a generation of a machine that runs, between `take_intended` and `take_described`. */
export const runningSteps = [
  'run_readied',
  'run_frozen',
  'run_paused',
  'run_copied',
  'run_remembered',
  'run_resumed',
  'run_thawed',
  'run_copying',
  'run_released',
] as const;

type MachineStep =
  | (typeof takingSteps)[number]
  | (typeof rollingBackSteps)[number]
  | (typeof runningSteps)[number]
  | 'delete_intended'
  | 'delete_removed'
  | 'delete_logged'
  | 'discarded';

/** Called after each durable step. */
export type OnMachineStep = (step: MachineStep) => void | Promise<void>;

/** What carries out what was begun. */
export interface SettleOptions {
  readonly now: () => Date;
  readonly onStep?: OnMachineStep | undefined;
}
