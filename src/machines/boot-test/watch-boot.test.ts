import { expect, test } from 'vitest';
import { startTalkingMachine } from '../fixtures/talking-machine.ts';
import { watchBoot } from './watch-boot.ts';

const options = { probes: [], timeLimitSeconds: 0.1, signal: new AbortController().signal };

test('a flood of the console ends the start, and little of it is kept', async () => {
  const flooding = await startTalkingMachine();
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const pour = (): void => {
    while (flooding.console.write(chunk));
  };
  flooding.console.on('drain', pour);
  pour();
  const watched = await watchBoot(flooding, { ...options, timeLimitSeconds: 60 });
  expect(watched.end).toBe('flood');
  expect(watched.console.length).toBeLessThan(1.1 * 1024 * 1024);
});

test('what was said in time is searched, and silence ends at the limit', async () => {
  const quiet = await startTalkingMachine();
  quiet.console.write('Linux version 6.1.0\n');
  const watched = await watchBoot(quiet, options);
  expect(watched.end).toBe('time_limit');
  expect(watched.signs.has('kernel')).toBe(true);
});

test('a report settles it', async () => {
  const asked = await startTalkingMachine();
  asked.port.write('ready 1\nresult system running\nend 0\n');
  expect(await watchBoot(asked, { ...options, timeLimitSeconds: 60 })).toMatchObject({
    end: 'settled',
    inside: { answer: 'report', report: { state: 'running' } },
  });
});

test('who gives up is heard at once', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error('enough')), 50);
  await expect(
    watchBoot(await startTalkingMachine(), { ...options, timeLimitSeconds: 60, signal: abort.signal }),
  ).rejects.toThrow('enough');
});
