import { expect, test } from 'vitest';
import { readCounters } from './tpm-commands.ts';

function answering(answers: readonly string[]): (command: Buffer) => Promise<Buffer> {
  const left = [...answers];
  return () => Promise.resolve(Buffer.from((left.shift() ?? '').replaceAll(' ', ''), 'hex'));
}

const clock = '80010000002300000000000000000000000100000000000000020000000300000004 01';

test('counts resets, and the counters that can be read', async () => {
  const counters = await readCounters(
    answering([
      clock,
      '80010000001700000000000000000100000001 01500016',
      '800100000020000000000010 01500016 000b 22020012 0000 0008',
      '80020000001d00000000 0000000a 0008 0000000000000005 0000010000',
    ]),
  );
  expect(counters).toEqual({ clock: 2, resets: 3, restarts: 4, nv: { '1500016': '5' } });
});

test.each([
  ['failure mode', ['80010000000a00000101']],
  ['half an answer', ['800100']],
  ['an answer that is too short for what it says', ['80010000000a00000000']],
  ['more handles than it sends', [clock, '80010000001700000000000000000100000009 01500016']],
])('%s is a broken vTPM', async (_, answers) => {
  await expect(readCounters(answering(answers))).rejects.toMatchObject({ code: 'vtpm_broken' });
});
