import { startVitest } from 'vitest/node';
import { TallyReporter, tallyLine } from './tally-reporter.ts';

/** The projects of vitest.config.ts: the last is left out unless it is asked for. */
const projects = ['small', 'medium', 'alone', 'long'] as const;

export interface RunTestsOptions {
  /** Also the tests that take minutes each. */
  readonly long: boolean;
}

/**
 * Runs the tests of the repository at `root` whose path contains one of `filters` (all of them when there is none).
 *
 * The last line printed is `N passed, N failed`. True when something passed and nothing failed.
 */
export async function runTests(
  root: string,
  filters: readonly string[],
  { long }: RunTestsOptions = { long: false },
): Promise<boolean> {
  const reporter = new TallyReporter();
  const vitest = await startVitest([...filters], {
    root,
    run: true,
    watch: false,
    project: [...(long ? projects : projects.slice(0, -1))],
    reporters: ['default', reporter],
  });
  await vitest.close();
  const { tally } = reporter;
  console.log(tallyLine(tally));
  return tally.passed > 0 && tally.failed === 0;
}
