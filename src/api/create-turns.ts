import { setImmediate as nextRound } from 'node:timers/promises';

/**
 * Lets those that have much to send send a portion each, one in a round of the event loop, so that what else came
 * meanwhile is answered in between. A client that takes all at once would else have the whole process for itself.
 *
 * @returns resolves when it is the caller's turn.
 */
export function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => nextRound());
    return last;
  };
}
