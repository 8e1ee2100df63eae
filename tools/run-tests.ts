import { startVitest } from 'vitest/node';
import { TallyReporter, tallyLine } from './tally-reporter.ts';

/**
 * Runs the tests of the repository at `root` whose path contains one of `filters` (all of them when there is none).
 *
 * The last line printed is `N passed, N failed`. True when something passed and nothing failed.
 */
export async function runTests(root: string, filters: readonly string[]): Promise<boolean> {
  const reporter = new TallyReporter();
  const vitest = await startVitest([...filters], {
    root,
    run: true,
    watch: false,
    reporters: ['default', reporter],
  });
  await vitest.close();
  const { tally } = reporter;
  console.log(tallyLine(tally));
  return tally.passed > 0 && tally.failed === 0;
}
