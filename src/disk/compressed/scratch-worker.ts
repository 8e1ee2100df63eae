/** The module of the thread that decompresses a file for `openDecompressed`. */
import { ftruncateSync, writeSync } from 'node:fs';
import { type MessagePort, workerData } from 'node:worker_threads';
import { ColdpatchError } from '../../lib/errors.ts';
import { type FileSource, openFileSource } from '../../lib/file-source.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { decompress } from './decompress.ts';
import type { ScratchAnswer, ScratchRequest } from './scratch-request.ts';

const holeBytes = 65_536;
const zeros = Buffer.alloc(holeBytes);

const { port, request } = workerData as { readonly port: MessagePort; readonly request: ScratchRequest };
const answer = await fillScratch(request);
port.postMessage(answer);
step(request);
port.close();

async function fillScratch(asked: ScratchRequest): Promise<ScratchAnswer> {
  try {
    const source = openFileSource(asked.path);
    try {
      return { bytes: await writeAll(source, asked) };
    } finally {
      source.close();
    }
  } catch (error) {
    const known = asHostSpaceError(error, 'the scratch directory');
    if (known instanceof ColdpatchError) return { error: { code: known.code, message: known.message } };
    const message =
      `Expected a whole file compressed by ${asked.compression} at ${asked.path}, but ` +
      `it cannot be decompressed: ${(error as Error).message}. It may be cut off: take it from its source again.`;
    return { error: { code: 'image_corrupt', message } };
  }
}

async function writeAll(source: FileSource, asked: ScratchRequest): Promise<number> {
  let size = 0;
  let written = 0;
  for await (const piece of decompress(asked.compression, source, () => step(asked))) {
    step(asked);
    for (let at = 0; at < piece.length; ) {
      // Parts end where blocks of the file do, so that zeros stay holes.
      const part = piece.subarray(at, at + holeBytes - (size % holeBytes));
      if (size + part.length > asked.mostBytes) throw tooLarge(asked, asked.mostBytes);
      if (!zeros.subarray(0, part.length).equals(part)) {
        written += part.length;
        if (written > asked.mostWritten) throw tooLarge(asked, asked.mostWritten);
        writeFully(asked.descriptor, part, size);
      }
      size += part.length;
      at += part.length;
    }
  }
  ftruncateSync(asked.descriptor, size);
  return size;
}

function writeFully(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}

/** Tells the thread that waits that we are alive. */
function step({ steps }: ScratchRequest): void {
  const counter = new Int32Array(steps);
  Atomics.add(counter, 0, 1);
  Atomics.notify(counter, 0);
}

function tooLarge({ path }: ScratchRequest, most: number): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected ${path} to unpack to at most ${most} bytes, but it is larger. ` +
      'If you trust it, allow more with --scratch-limit, or name a directory with more room with --scratch.',
  );
}
