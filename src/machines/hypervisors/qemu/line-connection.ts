import { realpathSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import { openSocket } from '../../../lib/open-socket.ts';

/** A stream socket of the host on which both sides write lines. */
export interface LineConnection extends Disposable {
  readonly path: string;
  write(bytes: Uint8Array | string): void;
  /**
   * The next line, without its end.
   *
   * @throws ColdpatchError `machine_unreachable` when none comes in time, the other side ends, or a line is too long.
   */
  next(timeoutSeconds: number): Promise<string>;
}

const connectSeconds = 10;
const newline = 0x0a;

/** Longest line of an answer, in bytes: QEMU describes one block node in about 1 KiB. */
const longestLine = 8 * 1024 * 1024;

/**
 * Connects to a socket of the host, of which nobody knows who listens: lines and waiting have limits.
 * Undefined when nobody listens: there is no such name, or it was left by a process that is gone.
 *
 * @throws ColdpatchError `machine_unreachable`.
 */
export async function connectLines(path: string): Promise<LineConnection | undefined> {
  const socket = await openOrNone(path);
  return socket && follow(path, socket);
}

async function openOrNone(path: string): Promise<Socket | undefined> {
  try {
    const real = realpathSync(path);
    // A name in a directory that is open is short, however long the path is: sun_path takes 107 bytes.
    const directory = await open(dirname(real));
    try {
      return await openSocket(`/proc/self/fd/${directory.fd}/${basename(real)}`, connectSeconds);
    } finally {
      await directory.close();
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
    throw unreachable(path, (error as Error).message, error);
  }
}

function follow(path: string, socket: Socket): LineConnection {
  const lines: string[] = [];
  let chunks: Buffer[] = [];
  let bytes = 0;
  let end: string | undefined;
  let wake: (() => void) | undefined;
  const finish = (why: string): void => {
    end ??= why;
    socket.destroy();
    wake?.();
  };
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline)) {
      lines.push(Buffer.concat([...chunks, rest.subarray(0, at)]).toString('utf8'));
      [chunks, bytes, rest] = [[], 0, rest.subarray(at + 1)];
    }
    bytes += rest.length;
    chunks.push(rest);
    if (bytes > longestLine) finish(`a line of more than ${longestLine} bytes`);
    // Whoever floods us waits until we have read.
    if (lines.length > 0) socket.pause();
    wake?.();
  });
  socket.on('error', (error) => finish(error.message));
  socket.on('close', () => finish('the end of the connection'));
  return {
    path,
    write: (text) => void socket.write(text),
    async next(timeoutSeconds) {
      const deadline = performance.now() + timeoutSeconds * 1000;
      for (;;) {
        const line = lines.shift();
        if (line !== undefined) return line;
        if (end !== undefined) throw unreachable(path, end);
        const left = deadline - performance.now();
        if (left <= 0) throw unreachable(path, `nothing within ${timeoutSeconds} s`);
        socket.resume();
        await new Promise<void>((resolve) => {
          const patience = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(patience);
            resolve();
          };
        });
        wake = undefined;
      }
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** An answer that is not one of QEMU's, or none. */
export function unreachable(path: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'machine_unreachable',
    `Expected QEMU to answer on ${path}, but found ${found}. ` +
      'Name the socket of a "-qmp unix:...,server=on,wait=off" that nothing else is connected to; QEMU serves one at a time.',
    { cause },
  );
}
