/** The phases of an update, in their order, and of a scan. */
export const phaseNames = [
  'lock',
  'inspect',
  'plan',
  'packages',
  'copy',
  'upgrade',
  'record',
  'verify',
  'boot-test',
  'promote',
  'digest',
  'changelogs',
  'match',
] as const;

export type PhaseName = (typeof phaseNames)[number];

export interface PhaseTime {
  readonly name: PhaseName;
  readonly seconds: number;
}

/** Where the progress of a run is shown. */
export interface PhaseDisplay {
  phase(name: string, detail?: string): void;
  update(fraction: number, detail?: string): void;
  done(): void;
  fail(): void;
}

/** Times the phases of a run, and shows them. */
export interface Phases {
  run<T>(name: PhaseName, work: () => T | Promise<T>): Promise<T>;
  /** Of the phase that runs: 0 to 1. */
  progress(fraction: number, detail: string): void;
  finished(): readonly PhaseTime[];
}

export interface PhaseOptions {
  readonly display: PhaseDisplay;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Called after each phase. */
  readonly onPhase?: (name: PhaseName) => void | Promise<void>;
}

export function createPhases({ display, now, onPhase }: PhaseOptions): Phases {
  const finished: PhaseTime[] = [];
  return {
    async run(name, work) {
      const start = now();
      display.phase(name);
      try {
        const result = await work();
        display.done();
        return result;
      } catch (error) {
        display.fail();
        throw error;
      } finally {
        finished.push({ name, seconds: Math.round(now() - start) / 1000 });
        await onPhase?.(name);
      }
    },
    progress: (fraction, detail) => display.update(fraction, detail),
    finished: () => finished,
  };
}
