/**
 * Reads damaged images in bounded threads, in a process of its own, so that its memory is that of the readers.
 * Requests come as JSON on standard input; answers and the peak of the memory go to standard output.
 */
import { text } from 'node:stream/consumers';
import { type Answer, askWorkers } from '../../src/lib/worker-pool.ts';
import type { DamagedImage, DamagedReading } from './damaged-image-worker.ts';

export interface DamagedReadings {
  readonly answers: readonly Answer<DamagedReading>[];
  /** Bytes. */
  readonly peak: number;
}

const requests = JSON.parse(await text(process.stdin)) as readonly DamagedImage[];
const module = new URL('./damaged-image-worker.ts', import.meta.url);
const answers: Answer<DamagedReading>[] = [];
for await (const answer of askWorkers<DamagedReading>(requests, {
  module,
  threads: 1,
  secondsEach: 30,
  heapMebibytes: 192,
})) {
  answers.push(answer);
}
const readings: DamagedReadings = { answers, peak: process.resourceUsage().maxRSS * 1024 };
process.stdout.write(JSON.stringify(readings));
