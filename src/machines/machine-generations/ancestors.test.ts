import { expect, test } from 'vitest';
import { ancestorsOf } from './ancestors.ts';
import type { LogEntry } from './log.ts';

const log = (...events: readonly (readonly [LogEntry['event'], number])[]) => ({
  entries: events.map(([event, generation]) => ({ machine: 'web', event, generation }) as LogEntry),
});

test('a rollback leaves a branch behind', () => {
  const taken = [
    ['taken', 1],
    ['taken', 2],
    ['promoted', 2],
  ] as const;
  expect([...ancestorsOf(log(...taken), 'web')]).toEqual([2, 1]);
  expect([...ancestorsOf(log(...taken), 'other')]).toEqual([]);
  const back = [...taken, ['taken', 3], ['rolled_back', 1]] as const;
  expect([...ancestorsOf(log(...back), 'web')]).toEqual([1]);
  expect([...ancestorsOf(log(...back, ['deleted', 1], ['taken', 4]), 'web')]).toEqual([4, 1]);
  expect([...ancestorsOf(log(...back, ['taken', 4], ['rolled_back', 3]), 'web')]).toEqual([3, 2, 1]);
});

test('what was imported is no state of the machine until it is rolled back to', () => {
  const imported = [
    ['taken', 1],
    ['imported', 2],
  ] as const;
  expect([...ancestorsOf(log(...imported, ['taken', 3]), 'web')]).toEqual([3, 1]);
  expect([...ancestorsOf(log(...imported, ['taken', 3], ['rolled_back', 2]), 'web')]).toEqual([2]);
});
