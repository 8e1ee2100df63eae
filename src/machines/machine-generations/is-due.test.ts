import { expect, test } from 'vitest';
import { isDue } from './is-due.ts';
import type { GenerationLog, LogEntry } from './log.ts';

const entry = (machine: string, event: LogEntry['event'], at: string) => ({ machine, event, at }) as LogEntry;
const log: GenerationLog = {
  entries: [
    entry('a', 'taken', '2026-01-01T00:00:00.000Z'),
    entry('b', 'taken', '2026-01-01T11:00:00.000Z'),
    entry('a', 'deleted', '2026-01-01T11:30:00.000Z'),
    entry('a', 'imported', '2026-01-01T11:45:00.000Z'),
  ],
  digests: [],
  length: 0,
};
const now = new Date('2026-01-01T12:00:00.000Z');

test('counts from the last generation that was taken of the machine', () => {
  expect(isDue(log, 'a', 12, now)).toBe(true);
  expect(isDue(log, 'a', 13, now)).toBe(false);
  expect(isDue(log, 'b', 12, now)).toBe(false);
  expect(isDue(log, 'c', 1000, now)).toBe(true);
});

test('a timer that comes some seconds early does not wait for another turn', () => {
  expect(isDue(log, 'a', 12, new Date('2026-01-01T11:59:10.000Z'))).toBe(true);
  expect(isDue(log, 'a', 12, new Date('2026-01-01T11:58:50.000Z'))).toBe(false);
});
