import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { openSocket } from '../../lib/open-socket.ts';
import type { SendToTpm } from './tpm-commands.ts';

const largestAnswer = 64 * 1024;
const headerBytes = 6;
const answerSeconds = 120;

export interface TpmConnection extends Disposable {
  readonly send: SendToTpm;
}

/** Connects to the data socket of an swtpm, once it is there. Gives up when `signal` is aborted. */
export async function connectToTpm(path: string, signal: AbortSignal): Promise<TpmConnection> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const socket = await openSocket(path);
      return { send: (command) => exchange(socket, command), [Symbol.dispose]: () => socket.destroy() };
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT', 'ECONNREFUSED')) throw error;
      await delay(20, undefined, { signal });
    }
  }
}

/** One command, one answer, whose length is in its own header. */
function exchange(socket: Socket, command: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let found = Buffer.alloc(0);
    const end = (settle: () => void): void => {
      clearTimeout(patience);
      socket.off('data', take).off('error', fail).off('close', close);
      settle();
    };
    const fail = (cause?: unknown): void =>
      end(() =>
        reject(
          new ColdpatchError(
            'vtpm_broken',
            'Expected an answer of swtpm, but got none in time or no whole one.',
            {
              cause,
            },
          ),
        ),
      );
    const close = (): void => fail();
    const take = (chunk: Buffer): void => {
      found = Buffer.concat([found, chunk]);
      const length = found.length < headerBytes ? headerBytes : found.readUInt32BE(2);
      if (length > largestAnswer) fail();
      else if (found.length >= headerBytes && found.length >= length) end(() => resolve(found));
    };
    const patience = setTimeout(fail, answerSeconds * 1000);
    socket.on('data', take).on('error', fail).on('close', close);
    socket.write(command);
  });
}
