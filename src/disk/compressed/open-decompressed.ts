import { randomUUID } from 'node:crypto';
import { closeSync, constants, openSync, readSync, statfsSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { assertInside, type ByteSource } from '../../lib/byte-source.ts';
import { ColdpatchError, type ErrorCode } from '../../lib/errors.ts';
import type { Compression } from './compression-of.ts';
import type { ScratchAnswer, ScratchRequest } from './scratch-request.ts';

export interface ScratchOptions {
  /** Where compressed images are unpacked; that of the system for temporary files unless given. */
  readonly directory?: string | undefined;
  /** Bytes that an image may unpack to; 64 GiB unless given. What is free in the directory is never exceeded. */
  readonly limit?: number | undefined;
}

const usualLimit = 64 * 1024 ** 3;
const heapMebibytes = 128;
/** The thread makes steps of less than a second. */
const mostMillisecondsOfAStep = 60_000;

/**
 * Unpacks a compressed file to a scratch file that no name leads to, and opens that. It must be closed.
 *
 * A thread of its own unpacks, and this one waits: reading an image is synchronous, streams are not.
 * The bytes are hostile, so they are unpacked piece by piece; zeros become holes.
 *
 * @throws ColdpatchError `limit_exceeded`, `image_corrupt`, `host_space`.
 */
export function openDecompressed(
  path: string,
  compression: Compression,
  { directory = tmpdir(), limit = usualLimit }: ScratchOptions,
): ByteSource & { close(): void } {
  const descriptor = openNameless(directory);
  const free = statfsSync(directory);
  const channel = new MessageChannel();
  const steps = new SharedArrayBuffer(4);
  const request: ScratchRequest = {
    path,
    compression,
    descriptor,
    mostBytes: limit,
    mostWritten: Math.min(limit, free.bavail * free.bsize),
    steps,
  };
  const worker = new Worker(new URL('./scratch-worker.ts', import.meta.url), {
    workerData: { port: channel.port1, request },
    transferList: [channel.port1],
    resourceLimits: { maxOldGenerationSizeMb: heapMebibytes },
  });
  worker.unref();
  const answer = waitFor(channel.port2, steps);
  channel.port2.close();
  if (answer === undefined) {
    // The number of a closed file may be given to another one: it is closed when the thread is gone.
    void worker.terminate().then(() => closeSync(descriptor));
    throw new ColdpatchError('limit_exceeded', `Expected ${path} to be unpacked, but the work stood still.`);
  }
  if (answer.error !== undefined) {
    closeSync(descriptor);
    throw new ColdpatchError(answer.error.code as ErrorCode, answer.error.message);
  }
  return sourceOf(descriptor, BigInt(answer.bytes));
}

/** Without its name the file is gone with the process, however that ends. */
function openNameless(directory: string): number {
  const path = join(directory, `coldpatch-scratch-${randomUUID()}`);
  try {
    const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    unlinkSync(path);
    return descriptor;
  } catch (error) {
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to make a scratch file in ${directory}, but the system answered ` +
        `${(error as NodeJS.ErrnoException).code ?? String(error)}. Name another directory with --scratch.`,
      { cause: error },
    );
  }
}

/** Undefined when the thread makes no steps any more. */
function waitFor(
  port: Parameters<typeof receiveMessageOnPort>[0],
  steps: SharedArrayBuffer,
): ScratchAnswer | undefined {
  const counter = new Int32Array(steps);
  for (;;) {
    const seen = Atomics.load(counter, 0);
    const received = receiveMessageOnPort(port);
    if (received !== undefined) return received.message as ScratchAnswer;
    if (Atomics.wait(counter, 0, seen, mostMillisecondsOfAStep) === 'timed-out') return undefined;
  }
}

function sourceOf(descriptor: number, size: bigint): ByteSource & { close(): void } {
  let open = true;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      if (!open) throw new ColdpatchError('internal', 'A scratch file was read after it had been closed.');
      for (let done = 0; done < into.length; ) {
        const count = readSync(descriptor, into, done, into.length - done, Number(offset) + done);
        if (count === 0) throw new ColdpatchError('internal', 'A scratch file became shorter.');
        done += count;
      }
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
