import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { recordPass } from '../src/store/images.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { addRun, addRunEvent } from '../src/store/runs.ts';
import { type RunningServer, type ServerMemory, startRunningServer } from './running-server.ts';
import { printSpread, spreadOf } from './spread.ts';
import type { Bench } from './types.ts';

const rounds = 8;
/** What is loaded and compiled in the first rounds stays, and is no growth. */
const firstRounds = 4;
const clients = 200;
/** Of them: they ask, and never read the answer. */
const slowClients = 20;
const events = 200;
const eventsAtATime = 20;
const eventBytes = 10_000;
const hugeBodies = 4;
const targetGrowthMegabytes = 5;

/**
 * A server with 200 clients that follow a run, some of which never read, bodies of 1 GB and malformed requests of every
 * route, again and again: how much memory it holds after each round, and what others wait meanwhile.
 */
export const servingBench: Bench = {
  name: 'serving',
  async run({ folder, print }) {
    const place = mkdtempSync(join(folder, 'serving-'));
    const server = await startRunningServer(place);
    const store = openStore(server.database, () => new Date());
    try {
      await untilQuiet(server);
      const run = await makeOpenRun(store);
      const memory: ServerMemory[] = [];
      const waits: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        waits.push(...(await loadOnce(server, store, run)));
        await delay(2000);
        memory.push(await server.memory());
      }
      const held = memory.map((one) => one.held);
      const growth = spreadOf(held.slice(firstRounds)).median - spreadOf(held.slice(0, firstRounds)).median;
      print(`  held after each round: ${held.map((one) => one.toFixed(1)).join(', ')} MB`);
      print(`  of the machine: ${memory.map(({ resident }) => resident.toFixed(0)).join(', ')} MB`);
      const percentile = waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.95)] ?? Number.NaN;
      print(
        `  another client waits: ${printSpread(waits, 0)} ms, 95 in 100 under ${percentile.toFixed(0)} ms`,
      );
      print(`  answers of 500 and more: ${server.failures()}`);
      const reached = growth < targetGrowthMegabytes && server.failures() === 0;
      print(
        `  target: no failure, and less than ${targetGrowthMegabytes} MB held more than in the first ${firstRounds} rounds: ` +
          `${growth.toFixed(1)} MB, ${reached ? 'reached' : 'MISSED'}`,
      );
      return reached;
    } finally {
      await store.close();
      await server.stop();
    }
  },
};

/** Its first pass is over: only one process may write what it has read before. */
async function untilQuiet({ url, token }: RunningServer): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/runs?state=done`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { items } = (await response.json()) as { readonly items: readonly unknown[] };
    if (items.length > 0) return;
    await delay(200);
  }
}

/** A run that nobody carries out, and whose events come from here. */
async function makeOpenRun(store: Store): Promise<string> {
  const image = {
    locator: '/nowhere/disk.raw',
    size: 1,
    modifiedAt: '2026-11-20T00:00:00Z',
    format: 'raw',
    backing: [],
    role: 'leaf',
    problem: null,
  } as const;
  const { due } = await recordPass(store, { id: 'elsewhere', kind: 'folder' }, [image]);
  // Not to begin before the year 3000.
  const later: Store = { ...store, now: () => new Date('3000-01-01T00:00:00Z') };
  const run = {
    kind: 'upgrade',
    sourceId: 'elsewhere',
    imageId: due[0] ?? '',
    requestedBy: 'bench',
  } as const;
  const { id } = await addRun(later, { ...run, steps: ['inspect'] });
  return id;
}

/** @returns how long another client waited for each of its answers, in milliseconds. */
async function loadOnce(server: RunningServer, store: Store, run: string): Promise<readonly number[]> {
  const newest = await store.db
    .selectFrom('run_events')
    .select((select) => select.fn.max('id').as('id'))
    .executeTakeFirst();
  const path = `/api/v1/runs/${run}/events`;
  // Whoever reads begins after the last round; whoever does not read is owed all events since the first.
  const readers = Array.from({ length: clients - slowClients }, () => follow(server, path, newest?.id ?? 0));
  const slow = Array.from({ length: slowClients }, () => ask(server, { path }));
  for (const one of slow) one.end();
  const over = new AbortController();
  const waits = timeOthers(server, over.signal);
  await Promise.all([
    addEvents(store, run),
    sendJunk(server),
    ...Array.from({ length: hugeBodies }, () => sendHugeBody(server)),
  ]);
  await Promise.all(readers);
  over.abort();
  for (const one of slow) one.destroy();
  return waits;
}

/** Some at a time, since each commit of this process holds up those of the server. */
async function addEvents(store: Store, run: string): Promise<void> {
  const detail = JSON.stringify({ text: 'x'.repeat(eventBytes) });
  for (let first = 0; first < events; first += eventsAtATime) {
    await store.db.transaction().execute(async (db) => {
      for (let index = 0; index < eventsAtATime; index += 1)
        await addRunEvent({ ...store, db }, run, { kind: 'progress', detail });
    });
    await delay(300);
  }
}

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
}

function ask({ url, token }: RunningServer, { path, method = 'GET', headers }: Asked): ClientRequest {
  const outgoing = request(new URL(path, url), {
    method,
    agent: false,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  // A server that cuts a connection does what is expected of it here.
  outgoing.on('error', () => undefined);
  return outgoing;
}

/** Until it has all events of this round. */
async function follow(server: RunningServer, path: string, after: number): Promise<void> {
  const outgoing = ask(server, { path, headers: { 'last-event-id': after } });
  outgoing.end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const mark = 'event: progress';
  let seen = 0;
  let end = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    const parts = `${end}${String(chunk)}`.split(mark);
    seen += parts.length - 1;
    end = parts.at(-1)?.slice(-mark.length) ?? '';
    if (seen >= events) break;
  }
  outgoing.destroy();
}

/** One client that asks for the list of runs again and again. */
async function timeOthers(server: RunningServer, signal: AbortSignal): Promise<readonly number[]> {
  const waits: number[] = [];
  while (!signal.aborted) {
    const start = performance.now();
    const response = await fetch(`${server.url}/api/v1/runs`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    await response.arrayBuffer();
    waits.push(performance.now() - start);
    await delay(50);
  }
  return waits;
}

/** Chunks without a length, until the server has enough or 1 GB is sent. */
async function sendHugeBody(server: RunningServer): Promise<void> {
  const outgoing = ask(server, {
    path: '/api/v1/tokens',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  });
  const chunk = Buffer.alloc(64 * 1024, 'a');
  let answered = false;
  outgoing.on('response', (answer) => {
    answered = true;
    answer.resume();
  });
  for (let sent = 0; sent < 1024 ** 3 && !answered && !outgoing.destroyed; sent += chunk.length)
    await new Promise((resolve) => {
      outgoing.write(chunk, resolve);
    });
  outgoing.destroy();
}

const junk = [
  '',
  '%',
  '%ff',
  "' OR 1=1 --",
  'x'.repeat(2000),
  '-1',
  '1e999',
  '{"$gt":1}',
  '../etc',
  '\u0000',
];

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

/** Every route of the description with nonsense for all its parameters and for its body. */
async function sendJunk({ url, token }: RunningServer): Promise<void> {
  const { paths } = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as Description;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({ path, method, parameters })),
  );
  for (const { path, method, parameters } of operations)
    for (const text of junk) {
      const query = parameters
        .filter(({ in: place }) => place === 'query')
        .map(({ name }): [string, string] => [name, text]);
      const id = text.startsWith('%') ? text : encodeURIComponent(text);
      const target = `${path.replace('{id}', id)}?${new URLSearchParams(query).toString()}`;
      const response = await fetch(`${url}${target}`, {
        method: method.toUpperCase(),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(method !== 'get' && { body: text }),
      });
      await response.arrayBuffer();
    }
}
