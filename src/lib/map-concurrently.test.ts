import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapConcurrently } from './map-concurrently.ts';

test('keeps the order, and never runs more than the limit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      async (waits, limit) => {
        let running = 0;
        let most = 0;
        const results = await mapConcurrently(waits, limit, undefined, async (wait) => {
          running += 1;
          most = Math.max(most, running);
          for (let turn = 0; turn < wait; turn += 1) await Promise.resolve();
          running -= 1;
          return wait * 2;
        });
        expect(results).toEqual(waits.map((wait) => wait * 2));
        expect(most).toBeLessThanOrEqual(limit);
      },
    ),
  );
});

test('throws the first failure, and tells the others to stop', async () => {
  const stopped: boolean[] = [];
  const attempt = mapConcurrently([0, 1, 2, 3], 2, undefined, async (item, signal) => {
    if (item === 1) throw new Error('first');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    stopped.push(signal.aborted);
  });
  await expect(attempt).rejects.toThrow('first');
  expect(stopped).toEqual([true]);
});
