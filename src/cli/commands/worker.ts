import { once } from 'node:events';
import { hostname } from 'node:os';
import { startWorkerHost } from '../../app/worker.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { faultLog } from './serve.ts';

export interface WorkerOptions {
  readonly database: string;
  readonly host?: string;
  readonly cache?: string;
  readonly config?: string;
}

/** `coldpatch worker`: until it is asked to stop. */
export async function workerCommand(
  io: { print(text: string): void; printError(text: string): void },
  options: WorkerOptions,
): Promise<void> {
  const { database, host = hostname() } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(host))
    throw new ColdpatchError('usage', `Expected the name of a host after --host, but found "${host}".`);
  const signal = interruptSignal();
  const config = loadCommandConfig(options);
  const worker = await startWorkerHost(config, {
    database,
    host,
    onFault: faultLog(io),
    environment: process.env,
  });
  try {
    io.print(`working as ${host}\n`);
    const ended = AbortSignal.any([signal, worker.outdated]);
    if (!ended.aborted) await once(ended, 'abort');
  } finally {
    await worker.stop();
  }
  worker.outdated.throwIfAborted();
}
