import { expect, test } from 'vitest';
import { startTalkingMachine } from '../fixtures/talking-machine.ts';
import { watchGuestJob } from './watch-guest-job.ts';

test('what a callback throws ends the job, and not its time limit', async () => {
  const started = await startTalkingMachine();
  started.port.write('ready 1\nresult system running\n');
  const fault = new TypeError('a fault of ours');
  await expect(
    watchGuestJob(started, {
      onUp() {
        throw fault;
      },
      onLine: () => undefined,
      onResult: () => undefined,
      limits: { up: 60, job: 60, off: 60 },
      signal: AbortSignal.timeout(5000),
    }),
  ).rejects.toBe(fault);
});
