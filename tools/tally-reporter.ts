import type { Reporter, TestModule } from 'vitest/node';

/** The numbers of one Vitest run. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A Vitest reporter that prints nothing and keeps the numbers of the run that ended last. */
export class TallyReporter implements Reporter {
  #tally: Tally = { passed: 0, failed: 0, skipped: 0 };

  get tally(): Tally {
    return this.#tally;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const count = (state: string) => states.filter((each) => each === state).length;
    // A file that does not load, a hook that fails outside a test, an error that nobody awaited: each is one failure.
    const brokenModules = modules.filter((module) => module.errors().length > 0).length;
    const pending = count('pending');
    this.#tally = {
      passed: count('passed'),
      failed: count('failed') + brokenModules + unhandled.length + pending,
      skipped: count('skipped'),
    };
  }
}

/** The closing line of `npm test`. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}
