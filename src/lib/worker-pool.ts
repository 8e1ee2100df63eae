import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { ColdpatchError, type ErrorCode } from './errors.ts';

export interface WorkerPoolOptions {
  /** The module that answers: see `answerInWorker`. */
  readonly module: URL;
  /** Threads at a time; as many as there are processors unless given. */
  readonly threads?: number;
  /** An answer that takes longer ends its thread; perhaps by the place of the request. */
  readonly secondsEach: number | ((index: number) => number);
  /** Of the heap of one thread, in MiB. Buffers are outside of it: readers bound these themselves. */
  readonly heapMebibytes: number;
  readonly signal?: AbortSignal;
}

export type Answer<Value> =
  | { readonly value: Value; readonly error?: never }
  | { readonly value?: never; readonly error: { readonly code: ErrorCode; readonly message: string } };

/**
 * Asks threads each of `requests`, and gives the answers in the order of the requests.
 * A thread that runs out of memory or of time is an error of its request alone; another one takes its place.
 */
export async function* askWorkers<Value>(
  requests: readonly unknown[],
  options: WorkerPoolOptions,
): AsyncGenerator<Answer<Value>> {
  const threads = Math.min(options.threads ?? availableParallelism(), requests.length);
  const answers = requests.map(() => Promise.withResolvers<Answer<Value>>());
  let next = 0;
  const live = new Set<Thread>();
  const work = async (): Promise<void> => {
    let thread: Thread | undefined;
    for (let index = next++; index < requests.length; index = next++) {
      thread ??= start(options, live);
      const { secondsEach } = options;
      const seconds = typeof secondsEach === 'number' ? secondsEach : secondsEach(index);
      const answer = await ask<Value>(thread, requests[index], seconds);
      if (answer.ended) {
        live.delete(thread);
        thread = undefined;
      }
      answers[index]?.resolve(answer.answer);
    }
  };
  const giveUp = (): void => {
    next = requests.length;
    for (const { worker } of live) void worker.terminate();
  };
  options.signal?.addEventListener('abort', giveUp, { once: true });
  const working = Promise.all(Array.from({ length: threads }, work));
  try {
    for (const { promise } of answers) {
      options.signal?.throwIfAborted();
      yield await promise;
    }
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
    giveUp();
    await working;
  }
}

interface Thread {
  readonly worker: Worker;
  /** Its module is loaded; rejected when that failed. */
  readonly ready: Promise<unknown>;
}

function start(options: WorkerPoolOptions, live: Set<Thread>): Thread {
  const worker = new Worker(options.module, {
    resourceLimits: { maxOldGenerationSizeMb: options.heapMebibytes },
  });
  // A thread that was given up for another reason may still run out of memory before it is gone.
  worker.on('error', () => undefined);
  const thread = { worker, ready: once(worker, 'message') };
  live.add(thread);
  return thread;
}

/** For the module of a thread to be loaded, on a host that does much else. */
const loadSeconds = 300;

interface Asked<Value> {
  readonly answer: Answer<Value>;
  /** The thread is gone. */
  readonly ended: boolean;
}

async function ask<Value>(
  { worker, ready }: Thread,
  request: unknown,
  seconds: number,
): Promise<Asked<Value>> {
  const { promise, resolve } = Promise.withResolvers<Asked<Value>>();
  const end = (code: ErrorCode, message: string): void => {
    resolve({ answer: { error: { code, message } }, ended: true });
    void worker.terminate();
  };
  const onExit = (): void => end('internal', 'The thread ended without an answer.');
  const onError = (error: Error & { code?: string }): void => {
    if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return end('internal', String(error.stack));
    return end('limit_exceeded', 'Expected an answer within the memory that a thread may have.');
  };
  const onAnswer = (answer: Answer<Value>): void => resolve({ answer, ended: false });
  const stuck = 'Expected the module of the thread to be loaded, but it was not.';
  let timer = setTimeout(() => end('internal', stuck), loadSeconds * 1000);
  worker.on('exit', onExit).on('error', onError);
  ready.then(
    () => {
      clearTimeout(timer);
      const late = `Expected an answer within ${seconds} seconds, but there was none.`;
      timer = setTimeout(() => end('limit_exceeded', late), seconds * 1000);
      worker.on('message', onAnswer).postMessage(request);
    },
    () => undefined,
  );
  const asked = await promise;
  clearTimeout(timer);
  worker.off('exit', onExit).off('error', onError).off('message', onAnswer);
  return asked;
}

/** The other side, for the module of a pool: what `answer` throws becomes an error of its request. */
export async function answerInWorker(answer: (request: never) => unknown): Promise<void> {
  const { parentPort } = await import('node:worker_threads');
  parentPort?.postMessage('ready');
  parentPort?.on('message', (request: unknown) => {
    try {
      parentPort.postMessage({ value: answer(request as never) });
    } catch (error) {
      const known = error instanceof ColdpatchError;
      const message = known ? error.message : String((error as Error).stack ?? error);
      parentPort.postMessage({ error: { code: known ? error.code : 'internal', message } });
    }
  });
}
