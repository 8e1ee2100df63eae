import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frame } from '../../appliance/machine/read-frames.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { JobFrames } from './job-frames.ts';

function hear(frames: readonly Frame[]) {
  const heard: string[] = [];
  const job = new JobFrames({
    onUp: () => heard.push('up'),
    onLine: (line) => heard.push(`line ${line}`),
    onResult: (words) => heard.push(`result ${words}`),
  });
  frames.forEach((frame) => job.take(frame));
  return { heard, story: job.story };
}

const ready: Frame = { kind: 'ready', text: '1' };
const up: Frame = { kind: 'result', text: 'system degraded' };
const line: Frame = { kind: 'out', text: 'Setting up app' };
const menu: Frame = { kind: 'result', text: 'menu written' };
const end: Frame = { kind: 'end', exitCode: 73 };

test('a job comes up, works and ends', () => {
  expect(hear([]).story.phase).toBe('starting');
  expect(hear([ready]).story.phase).toBe('coming_up');
  expect(hear([ready, up, line, menu])).toEqual({
    heard: ['up', 'line Setting up app', 'result menu written'],
    story: { phase: 'working', exitCode: undefined },
  });
  expect(hear([ready, up, end]).story).toEqual({ phase: 'ended', exitCode: 73 });
});

test.each([
  ['an end before it is up', [ready, end]],
  ['words before it is ready', [line]],
  ['words before it is up', [ready, line]],
  ['a second ready', [ready, up, ready]],
  ['words after the end', [ready, up, end, line]],
])('%s is out of turn', (_, frames) => {
  expect(() => hear(frames)).toThrow(expect.objectContaining({ code: 'guest_protocol' }));
});

test.each(['maintenance', 'stopping', '', '\u001b[2J'])('a system that is "%s" is not up', (state) => {
  expect(() => hear([ready, { kind: 'result', text: `system ${state}` }])).toThrow(
    expect.objectContaining({ code: 'guest_not_started' }),
  );
});

test('whatever comes, nothing is heard before the system is up', () => {
  const frame = fc.constantFrom(ready, up, line, menu, end);
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      try {
        const { heard } = hear(frames);
        if (heard.length > 0) expect(heard[0]).toBe('up');
        if (heard.length > 0) expect(frames.slice(0, 2)).toEqual([ready, up]);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
