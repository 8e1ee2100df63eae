import { type Answer, askWorkers } from '../lib/worker-pool.ts';
import type { InspectRequest } from './inspect-path.ts';
import type { Inspection } from './inspection.ts';

export interface InspectManyOptions {
  /** Images at a time; as many as there are processors unless given. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Far above what a real image takes: a good one is read in less than a second. */
const secondsEach = 60;
const heapMebibytes = 192;

/** Inspects images, each in a thread that is bounded in time and memory, and gives the answers in their order. */
export function inspectMany(
  requests: readonly InspectRequest[],
  options: InspectManyOptions = {},
): AsyncGenerator<Answer<Inspection>> {
  const module = new URL('./inspection-worker.ts', import.meta.url);
  return askWorkers(requests, { module, secondsEach, heapMebibytes, ...options });
}
