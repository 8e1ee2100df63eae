import type { StoredRun } from '../store/runs.ts';
import type { RunKind } from '../store/tables.ts';

/** The steps of each kind of run, in their order. */
export const stepsOfKind = {
  collect: ['collect'],
  inspect: ['inspect', 'match'],
  upgrade: ['inspect', 'match', 'plan', 'upgrade', 'verify', 'promote'],
  rollback: ['rollback'],
} as const satisfies Record<RunKind, readonly string[]>;

/**
 * The steps that are one unit: a copy lives only as long as its run, and an interrupted one is thrown away.
 * The handler of the first carries out all, and says when it enters the next.
 */
export const upgradeUnit = ['upgrade', 'verify', 'promote'] as const;

/** The steps that have a handler. */
export type HandledStep = 'collect' | 'inspect' | 'match' | 'plan' | 'upgrade' | 'rollback';

/** What a step may use while it works. */
export interface StepContext {
  readonly run: StoredRun;
  /** Names the working copy; greater than that of everybody who had the run before. */
  readonly fencingToken: string;
  readonly signal: AbortSignal;
  /** Shows progress to whoever watches the run. */
  report(kind: string, detail: Readonly<Record<string, unknown>>): Promise<void>;
  /** For the steps of the upgrade unit. */
  enter(step: (typeof upgradeUnit)[number]): Promise<void>;
  /** @throws ColdpatchError `run_fenced` when another worker has the run by now, `store_newer` when nobody of this version may. */
  assertHeld(): Promise<void>;
}

/**
 * What became of a step. `end` ends the run early, `wait` lets it wait for an approval before the next step, and `later`
 * lets the step itself begin again at a time (ISO 8601).
 */
export type StepResult = { readonly result: Readonly<Record<string, unknown>> } & (
  | { readonly next: 'continue' | 'end' | 'wait' }
  | { readonly next: 'later'; readonly until: string }
);

/** Carries out steps. Each may be called again for the same run after a crash. */
export type StepHandlers = Readonly<Record<HandledStep, (context: StepContext) => Promise<StepResult>>>;

/** Sees to it that the runs of the store are carried out. */
export interface Dispatcher {
  /** There may be something to do. */
  wake(): void;
  /** Ends a run: at once when it waits, else as soon as its step lets go. */
  cancel(runId: string): Promise<boolean>;
  /** Calls `listener` when something of a run changed; returns what ends that. */
  watch(runId: string, listener: () => void): () => void;
  /** Interrupts what runs and hands it back to the queue. */
  stop(): Promise<void>;
}
