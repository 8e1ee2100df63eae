import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../app/server/application.ts';
import type { ApiContext } from './types.ts';

interface Watched {
  readonly caller: Caller;
  readonly runId: string;
  /** The last event that the client has. */
  readonly after: number;
  /** Resolves when this stream may read and send its next portion. */
  readonly takeTurn: () => Promise<void>;
}

const secondsBetweenLooks = 5;

/**
 * Sends the events of a run as they come. They are read from the store only as fast as the client takes them,
 * so that a slow one costs no memory.
 */
export function streamEvents(reply: FastifyReply, context: ApiContext, watched: Watched): FastifyReply {
  const closed = new AbortController();
  reply.raw.once('close', () => closed.abort());
  const signal = AbortSignal.any([closed.signal, context.ended]);
  return reply
    .header('content-type', 'text/event-stream')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(eventsOf(context, watched, signal), { highWaterMark: 4 }));
}

async function* eventsOf(
  { application }: ApiContext,
  { caller, runId, after, takeTurn }: Watched,
  signal: AbortSignal,
): AsyncGenerator<string, undefined> {
  let last = after;
  yield ': events of the run\n\n';
  while (!signal.aborted) {
    const changed = waitForChange((listener) => application.watch(runId, listener), signal);
    try {
      await takeTurn();
      if (!(await application.isStillKnown(caller))) return;
      // Asked before its events are read: what ends a run is the last of them.
      const { state } = await application.run(caller, runId);
      const events = await application.events(runId, last);
      for (const { id, at, kind, detail } of events) {
        yield `id: ${id}\nevent: ${kind}\ndata: ${withTime(at, detail)}\n\n`;
        last = id;
      }
      if (events.length > 0) continue;
      if (state === 'done' || state === 'failed' || state === 'cancelled') return;
      await changed.promise;
      yield ': still here\n\n';
    } finally {
      changed.stop();
    }
  }
}

/** The JSON object of an event with its time in front, without reading all of it for each client. */
function withTime(at: string, detail: string): string {
  const rest = detail.slice(1);
  return `{"at":${JSON.stringify(at)}${rest === '}' ? '' : ','}${rest}`;
}

/** Resolves when something changed, when the client went away, or after some seconds. */
function waitForChange(watch: (listener: () => void) => () => void, signal: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  const stopWatching = watch(done);
  const timer = setTimeout(done, secondsBetweenLooks * 1000);
  signal.addEventListener('abort', done);
  return {
    promise,
    stop() {
      stopWatching();
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
    },
  };
}
