import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { nothing, type Qmp } from '../hypervisors/qemu/qmp.ts';
import { giveSocketTo, makeSocketDirectory, socketIn } from './memory-socket.ts';

export interface MemoryTarget {
  /** A file that does not exist. */
  readonly path: string;
  /** For the socket; it does not exist yet. */
  readonly socketDirectory: string;
  /** User that QEMU runs as. */
  readonly user: number;
  readonly signal?: AbortSignal | undefined;
}

const pollMilliseconds = 20;
const mostSeconds = 86_400;

const migrationSchema = z.object({
  status: z.string().optional(),
  'error-desc': z.string().optional(),
});

/**
 * Has QEMU write the memory of a guest that stands still, with the state of all its devices and of its TPM.
 * It is what QEMU reads with `-incoming`. The guest stands still afterwards.
 *
 * @throws ColdpatchError `hypervisor_failed`; what writing the file throws.
 */
export async function receiveMemory(qmp: Qmp, target: MemoryTarget): Promise<void> {
  const socketPath = socketIn(target.socketDirectory);
  await makeSocketDirectory(target.socketDirectory);
  const server = createServer({ pauseOnConnect: true });
  const received = new Promise<void>((resolve, reject) => {
    server.once('connection', (socket: Socket) => {
      server.close();
      pipeline(socket, createWriteStream(target.path, { flags: 'wx', mode: 0o600 })).then(resolve, reject);
    });
    server.once('error', reject);
  });
  // Looked at when QEMU was asked.
  received.catch(() => undefined);
  try {
    await listen(server, socketPath);
    await giveSocketTo(target.socketDirectory, target.user);
    await qmp.execute('migrate', nothing, { arguments: { uri: `unix:${socketPath}` } });
    // What we could not write fails first, and QEMU only because of that.
    await Promise.all([received, untilWritten(qmp, target.signal)]);
  } finally {
    server.close();
  }
}

/** The guest stands still meanwhile: what cannot be listened to must be told, and at once. */
async function listen(server: Server, socketPath: string): Promise<void> {
  try {
    server.listen(socketPath);
    await once(server, 'listening');
  } catch (error) {
    throw new ColdpatchError(
      'hypervisor_failed',
      `Expected to take the memory of the guest from QEMU at ${socketPath}, but found ${(error as Error).message}. ` +
        'The path of a socket has at most 107 bytes: set TMPDIR to a shorter one.',
      { cause: error },
    );
  }
}

async function untilWritten(qmp: Qmp, signal: AbortSignal | undefined): Promise<void> {
  const deadline = performance.now() + mostSeconds * 1000;
  for (;;) {
    signal?.throwIfAborted();
    const { status, 'error-desc': words } = await qmp.execute('query-migrate', migrationSchema);
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled' || performance.now() > deadline) {
      throw new ColdpatchError(
        'hypervisor_failed',
        `Expected QEMU to write the memory of the guest, but it did not: ${words ?? status ?? 'no reason given'}.`,
      );
    }
    await delay(pollMilliseconds);
  }
}
