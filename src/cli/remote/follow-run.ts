import type { z } from 'zod';
import { runSchema } from '../../api/schemas.ts';
import { ColdpatchError, isColdpatchError, isErrorCode } from '../../lib/errors.ts';
import { cleanText } from '../clean-text.ts';
import { pause } from './pause.ts';
import type { ServerClient } from './server-client.ts';

export type RemoteRun = z.infer<typeof runSchema>;

const secondsBetweenTries = 2;
const mostBreaks = 30;

/**
 * Prints what happens to a run until it ends or waits for an approval. A connection that breaks is made again, and goes
 * on after the last event.
 *
 * @throws ColdpatchError with the code of the run's error when it failed, `interrupted` when it was cancelled.
 */
export async function followRun(
  client: ServerClient,
  id: string,
  io: { print(text: string): void; readonly signal: AbortSignal },
): Promise<RemoteRun> {
  const path = `/api/v1/runs/${encodeURIComponent(id)}`;
  let last = 0;
  for (let breaks = 0; breaks < mostBreaks; ) {
    try {
      for await (const event of client.events(`${path}/events`, last)) {
        last = event.id;
        breaks = 0;
        io.print(`${cleanText(lineOf(event.kind, event.data))}\n`);
        if (event.kind === 'run' && event.data['state'] === 'waiting') break;
      }
      const run = await client.get(path, runSchema);
      if (!['queued', 'running'].includes(run.state)) return outcomeOf(run);
    } catch (error) {
      if (!isColdpatchError(error, 'server_unreachable')) throw error;
    }
    breaks += 1;
    await pause(secondsBetweenTries * 1000, io.signal);
  }
  throw new ColdpatchError(
    'server_unreachable',
    `Expected to follow run ${id}, but the server did not answer for a minute. The run goes on; follow it again later.`,
  );
}

function lineOf(kind: string, { at, ...data }: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(data).map(([key, value]) =>
    typeof value === 'string' || typeof value === 'number'
      ? `${key} ${value}`
      : `${key} ${JSON.stringify(value)}`,
  );
  return `${typeof at === 'string' ? at : ''} ${kind}: ${words.join(', ')}`;
}

function outcomeOf(run: RemoteRun): RemoteRun {
  if (run.state !== 'failed' && run.state !== 'cancelled') return run;
  const code = run.error?.code ?? '';
  throw new ColdpatchError(
    isErrorCode(code) ? code : run.state === 'cancelled' ? 'interrupted' : 'internal',
    run.error?.message ?? `Expected run ${run.id} to be done, but it was ${run.state}.`,
  );
}
