import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTurns } from './create-turns.ts';

test('others are answered between any two turns, and all come to their turn in order', async () => {
  const takeTurn = createTurns();
  const seen: string[] = [];
  const busy = async (name: string): Promise<void> => {
    for (let portion = 0; portion < 3; portion += 1) {
      await takeTurn();
      seen.push(name);
    }
  };
  let isOver = false;
  const other = async (): Promise<void> => {
    while (!isOver) {
      await nextRound();
      seen.push('-');
    }
  };
  const others = other();
  await Promise.all(['a', 'b', 'c'].map(busy));
  isOver = true;
  await others;
  expect(seen.join('').replaceAll('-', '')).toBe('abcabcabc');
  expect(seen.join('')).not.toMatch(/[abc]{2}/);
});
