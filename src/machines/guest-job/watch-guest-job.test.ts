import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { startProgram } from '../../lib/start-program.ts';
import type { TestMachine } from '../boot-test/start-test-machine.ts';
import { watchGuestJob } from './watch-guest-job.ts';

/** In QEMU's place is a program that only lives: what matters here is what comes out of its port. */
async function machine(): Promise<TestMachine> {
  const qemu = await startProgram({
    file: 'sleep',
    args: ['60'],
    ready: { poll: () => Promise.resolve(true) },
    startTimeoutSeconds: 10,
  });
  onTestFinished(async () => void (await qemu.stop('SIGKILL')));
  return {
    qemu,
    port: new PassThrough(),
    console: new PassThrough(),
    firmware: new PassThrough(),
    monitor: { hasStopped: () => false, execute: () => Promise.resolve(false) },
    screen: '/nonexistent',
    stop: () => Promise.resolve(),
  };
}

test('what a callback throws ends the job, and not its time limit', async () => {
  const started = await machine();
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
