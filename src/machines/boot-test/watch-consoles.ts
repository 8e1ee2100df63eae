import { createBoundedLog } from './bounded-log.ts';
import { type ConsoleSign, createConsoleSigns } from './console-signs.ts';
import type { TestMachine } from './start-test-machine.ts';

const names = ['console', 'firmware'] as const;

/** What a started machine says on its serial line, and its firmware in its log. */
export interface WatchedConsoles {
  /** Of both. */
  readonly signs: Pick<ReturnType<typeof createConsoleSigns>, 'has' | 'wordsOf'>;
  /** Says more than any start that is well; it is not listened to any longer. */
  isFlood(): boolean;
  /** Looks for signs in what came since it was last called. */
  search(): void;
  text(name: (typeof names)[number]): string;
}

/** Of console and firmware together; a start that is well writes some hundred KiB. */
const floodBytes = 32 * 1024 * 1024;
/** Between two searches; what is more is not searched for signs. */
const searchedBytes = 256 * 1024;

/** @param keptBytes of the beginning and of the end of each, see `createBoundedLog`. */
export function watchConsoles(
  machine: Pick<TestMachine, (typeof names)[number]>,
  keptBytes: number,
): WatchedConsoles {
  const signs = { console: createConsoleSigns(), firmware: createConsoleSigns() };
  const logs = { console: createBoundedLog(keptBytes), firmware: createBoundedLog(keptBytes) };
  const unread = { console: '', firmware: '' };
  const isFlood = (): boolean => logs.console.total + logs.firmware.total > floodBytes;
  for (const name of names) {
    machine[name].on('error', () => undefined);
    machine[name].on('data', (chunk: Buffer) => {
      logs[name].add(chunk);
      if (unread[name].length < searchedBytes) unread[name] += chunk.toString('utf8');
      // The guest waits until somebody listens again, which nobody will.
      if (isFlood()) machine[name].pause();
    });
  }
  return {
    signs: {
      has: (sign: ConsoleSign) => signs.console.has(sign) || signs.firmware.has(sign),
      wordsOf: (sign: ConsoleSign) => signs.console.wordsOf(sign) ?? signs.firmware.wordsOf(sign),
    },
    isFlood,
    search() {
      for (const name of names) {
        signs[name].add(unread[name]);
        unread[name] = '';
      }
    },
    text: (name) => logs[name].text(),
  };
}
