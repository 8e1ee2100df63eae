import { setTimeout as sleep } from 'node:timers/promises';
import { type HostState, readHostState } from './host-state.ts';

/**
 * The kernel detaches a lazily freed loop device, and reaps a killed process, a moment after the call that asked for it;
 * so does the worker of other tests, whose killed processes are nobody's for that moment.
 */
const usualPatience = 10_000;

/**
 * What is on the host now and was not in `before`; waits for it to go.
 * @param patience for how many milliseconds at the most.
 */
export async function findLeaks(
  before: HostState,
  temporary: readonly string[],
  patience = usualPatience,
): Promise<readonly string[]> {
  const deadline = performance.now() + patience;
  for (;;) {
    const leaks = [...readHostState(temporary)].filter((line) => !before.has(line));
    if (leaks.length === 0 || performance.now() > deadline) {
      return leaks;
    }
    await sleep(100);
  }
}
