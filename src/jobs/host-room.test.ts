import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHostRoom, type HostRoom, type Room, type RoomLimits } from './host-room.ts';

const limits = { memory: 10, scratch: 100 };
const never = new AbortController().signal;

/** Asks, and shows whether it was let in. */
function ask(room: HostRoom, needs: Partial<Room>, more: { limits?: RoomLimits; signal?: AbortSignal } = {}) {
  const asked = { began: false, lacking: [] as readonly string[], end: () => undefined as void };
  const done = room
    .reserve({
      kind: 'upgrade',
      needs: { memory: 0, scratch: 0, ...needs },
      limits,
      signal: never,
      onWait: (lacking) => {
        asked.lacking = lacking;
      },
      ...more,
    })
    .then((reserved) => {
      asked.began = true;
      asked.end = () => reserved[Symbol.dispose]();
    });
  return Object.assign(asked, { done });
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what fits begins, what does not waits until there is room, and says of what there is too little', async () => {
  const room = createHostRoom();
  const first = ask(room, { memory: 6, scratch: 60 });
  const second = ask(room, { memory: 6, scratch: 60 });
  const third = ask(room, { memory: 5 });
  await settled();
  expect([first.began, second.began, third.began]).toEqual([true, false, false]);
  expect([second.lacking, third.lacking]).toEqual([['memory', 'scratch'], ['memory']]);
  expect([room.isWaitedFor('upgrade'), room.isWaitedFor('inspect')]).toEqual([true, false]);
  first.end();
  first.end();
  await settled();
  expect([second.began, third.began]).toEqual([true, false]);
  second.end();
  await settled();
  expect(third.began).toBe(true);
  expect(room.isWaitedFor('upgrade')).toBe(false);
});

test('who comes later goes first only where nobody waits longer for it', async () => {
  const room = createHostRoom();
  const first = ask(room, { memory: 6 });
  const large = ask(room, { memory: 8 });
  const small = ask(room, { memory: 2 });
  const another = ask(room, { memory: 1 });
  await settled();
  expect([large.began, small.began, another.began]).toEqual([false, true, false]);
  first.end();
  await settled();
  expect([large.began, another.began]).toEqual([true, false]);
  small.end();
  await settled();
  expect(another.began).toBe(true);
});

test('who gives up waiting lets the next one in, and takes nothing', async () => {
  const room = createHostRoom();
  const first = ask(room, { memory: 6 });
  const controller = new AbortController();
  const waiting = ask(room, { memory: 10 }, { signal: controller.signal });
  const next = ask(room, { memory: 4 });
  const given = waiting.done.catch((error: unknown) => error);
  await settled();
  expect([waiting.began, next.began]).toEqual([false, false]);
  controller.abort(new Error('given up'));
  expect(await given).toMatchObject({ message: 'given up' });
  await settled();
  expect(next.began).toBe(true);
  await expect(ask(room, {}, { signal: controller.signal }).done).rejects.toThrow('given up');
  first.end();
});

test('without a limit nothing is counted', async () => {
  const room = createHostRoom();
  const all = [1, 2, 3].map(() => ask(room, { memory: 1000, scratch: 1000 }, { limits: {} }));
  await settled();
  expect(all.every(({ began }) => began)).toBe(true);
});

test('whatever comes and goes, the limits hold and everybody gets in', async () => {
  const needs = fc.record({ memory: fc.nat(10), scratch: fc.nat(100) });
  await fc.assert(
    fc.asyncProperty(fc.array(needs, { maxLength: 20 }), fc.infiniteStream(fc.nat()), async (all, picks) => {
      const room = createHostRoom();
      const asked = all.map((one) => ({ needs: one, state: ask(room, one) }));
      const ended = new Set<(typeof asked)[number]>();
      for (;;) {
        await settled();
        const inside = asked.filter((one) => one.state.began && !ended.has(one));
        expect(inside.reduce((total, one) => total + one.needs.memory, 0)).toBeLessThanOrEqual(limits.memory);
        expect(inside.reduce((total, one) => total + one.needs.scratch, 0)).toBeLessThanOrEqual(
          limits.scratch,
        );
        if (inside.length === 0) break;
        const one = inside[Number(picks.next().value) % inside.length];
        if (!one) break;
        ended.add(one);
        one.state.end();
      }
      expect(ended.size).toBe(asked.length);
    }),
    { numRuns: 50 },
  );
});
