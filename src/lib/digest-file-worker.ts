/** Runs in a worker thread of `digestFile`: reading and hashing a large file would hold up everything else. */
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const bytesAtOnce = 1024 * 1024;

interface Work {
  readonly path: string;
  readonly bytesPerSecond: number | undefined;
}

const pause = new Int32Array(new SharedArrayBuffer(4));

function digest({ path, bytesPerSecond }: Work): string {
  const begun = performance.now();
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(bytesAtOnce);
    let done = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, 0, bytesAtOnce, done);
      if (count === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, count));
      done += count;
      if (bytesPerSecond === undefined) continue;
      const early = (done / bytesPerSecond) * 1000 - (performance.now() - begun);
      if (early > 1) Atomics.wait(pause, 0, 0, early);
    }
  } finally {
    closeSync(descriptor);
  }
}

parentPort?.postMessage(digest(workerData as Work));
