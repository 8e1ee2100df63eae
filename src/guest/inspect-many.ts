import { type Answer, askWorkers } from '../lib/worker-pool.ts';
import { compressionOf } from '../disk/compressed/compression-of.ts';
import { isColdpatchError } from '../lib/errors.ts';
import { openFileSource } from '../lib/file-source.ts';
import type { InspectRequest } from './open-requested-image.ts';
import type { Inspection } from './inspection.ts';

export interface InspectManyOptions {
  /** Images at a time; as many as there are processors unless given. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Far above what a real image takes: a good one is read in less than a second. */
const secondsEach = 60;
/** The limit of bytes that it may unpack to ends a compressed image before. */
const secondsCompressed = 1800;
const heapMebibytes = 192;

/** Inspects images, each in a thread that is bounded in time and memory, and gives the answers in their order. */
export function inspectMany(
  requests: readonly InspectRequest[],
  options: InspectManyOptions = {},
): AsyncGenerator<Answer<Inspection>> {
  const module = new URL('./inspection-worker.ts', import.meta.url);
  const secondsOf = (index: number): number =>
    [requests[index]?.path, ...(requests[index]?.backing ?? [])].some(isCompressed)
      ? secondsCompressed
      : secondsEach;
  return askWorkers(requests, { module, secondsEach: secondsOf, heapMebibytes, ...options });
}

/** What cannot be opened here is an error where it is inspected. */
function isCompressed(path: string | undefined): boolean {
  if (path === undefined) return false;
  try {
    const file = openFileSource(path);
    try {
      return compressionOf(file) !== undefined;
    } finally {
      file.close();
    }
  } catch (error) {
    if (isColdpatchError(error)) return false;
    throw error;
  }
}
