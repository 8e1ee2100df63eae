/** Traces of real servers and workers, as a collector gets them. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../tools/start-postgres.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from './support/otlp-receiver.ts';
import {
  type RunningProgram,
  type RunningServer,
  startColdpatch,
  startServe,
} from './support/running-program.ts';

const patience = { timeout: 60_000, interval: 100 };
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';
const kindServer = 2;
const statusError = 2;

let folder: string;
let policies: string;
let postgres: RunningPostgres;
let collector: OtlpReceiver;
const running = new Set<RunningProgram>();

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'traces-')));
  postgres = await startPostgres(folder);
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

let number = 0;
let state: string;
beforeEach(async () => {
  number += 1;
  state = join(folder, String(number));
  const images = join(state, 'secret-images');
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, 'a.raw'), Buffer.alloc(1 << 20));
  policies = join(state, 'policies.json');
  writeFileSync(policies, JSON.stringify({ sources: [{ id: 'lab', kind: 'folder', directory: images }] }));
  collector = await startOtlpReceiver();
});
afterEach(async () => {
  for (const program of running) await program.end('SIGTERM');
  running.clear();
  await collector.close();
});

function environment(more: Readonly<Record<string, string>> = {}) {
  return { COLDPATCH_CACHE_DIRECTORY: state, COLDPATCH_STATE_DIRECTORY: state, ...more };
}

async function serve(
  more: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<RunningServer> {
  const server = await startServe(['--policies', policies, ...args], environment(more));
  running.add(server);
  return server;
}

async function end(program: RunningProgram): Promise<number | null> {
  running.delete(program);
  return program.end('SIGTERM');
}

interface Run {
  readonly id: string;
  readonly state: string;
}

async function idle(server: RunningServer): Promise<void> {
  await expect
    .poll(async () => {
      const states = (await server.list<Run>('/api/v1/runs')).map(({ state }) => state);
      return states.length > 1 && states.every((one) => one === 'done' || one === 'failed');
    }, patience)
    .toBe(true);
}

/** Asks in a trace of its own, as a program that traces does. */
async function ask(server: RunningServer, path: string, body?: unknown): Promise<Response> {
  const url = /^listening at (\S+)$/m.exec(server.output())?.[1] ?? '';
  return fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      traceparent: `00-${trace}-${span}-01`,
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

function traced(name: string): readonly ReceivedSpan[] {
  return collector.spans.filter((one) => one.traceId === trace && one.name === name);
}

/** A rollback of an image without generations: a run that fails at its only step. */
async function failingRun(server: RunningServer): Promise<string> {
  const [image] = await server.list<{ readonly id: string }>('/api/v1/images?search=secret-images');
  const response = await ask(server, `/api/v1/images/${image?.id}/runs`, { kind: 'rollback' });
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as Run;
  await idle(server);
  return id;
}

function expectJoined(runId: string): void {
  const [request] = traced('POST /api/v1/images/:id/runs');
  expect(request).toMatchObject({
    parentSpanId: span,
    kind: kindServer,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/api/v1/images/:id/runs',
      'http.response.status_code': 202,
    },
  });
  const [run, ...otherRuns] = traced('run rollback');
  const failure = { 'coldpatch.run.id': runId, 'error.type': 'generation_unknown' };
  expect(run).toMatchObject({
    parentSpanId: request?.spanId,
    attributes: { ...failure, 'coldpatch.run.state': 'failed', 'coldpatch.source.id': 'lab' },
    status: { code: statusError },
  });
  const [step, ...otherSteps] = traced('step rollback');
  expect(step).toMatchObject({
    parentSpanId: run?.spanId,
    attributes: { ...failure, 'coldpatch.step': 'rollback', 'coldpatch.image.id': expect.any(String) },
    status: { code: statusError },
  });
  expect([...otherRuns, ...otherSteps]).toEqual([]);
  expect(BigInt(step?.startTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(BigInt(run?.startTimeUnixNano ?? 0));
}

test('on SQLite a request, its run and its step are one trace, and what runs by itself is one too', async () => {
  const server = await serve({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_SERVICE_NAME: 'images',
  });
  await idle(server);
  const runId = await failingRun(server);
  expect((await ask(server, '/api/v1/images?search=hunter2')).status).toBe(200);
  expect((await ask(server, '/api/v1/nowhere/hunter2')).status).toBe(404);
  expect(await server.status('/health/ready')).toBe(200);
  // What it was asked last is there too: it sends what it has before it ends.
  expect(await end(server)).toBe(0);
  expectJoined(runId);

  expect(traced('GET')).toMatchObject([{ attributes: { 'http.response.status_code': 404 } }]);
  expect(collector.spans.filter(({ name }) => name.includes('health'))).toEqual([]);
  const [pass] = collector.spans.filter(({ name }) => name === 'run collect');
  expect(pass?.parentSpanId ?? '').toBe('');
  expect(pass).toMatchObject({ attributes: { 'coldpatch.run.state': 'done' }, status: { code: 0 } });
  const steps = collector.spans.filter(({ traceId }) => traceId === pass?.traceId);
  expect(steps.map(({ name }) => name).toSorted()).toEqual(['run collect', 'step collect']);
  const inspect = collector.spans.find(({ name }) => name === 'step inspect');
  expect(inspect?.traceId).not.toBe(pass?.traceId);
  expect(new Set(collector.spans.map(({ resource }) => resource['service.name']))).toEqual(
    new Set(['images']),
  );

  const all = collector.raw.join('\n');
  for (const secret of [server.token, 'hunter2', 'secret-images', policies, 'authorization'])
    expect(all).not.toContain(secret);
});

test('a worker goes on with the trace of the request that its server got', async () => {
  const COLDPATCH_DATABASE = await postgres.makeDatabase('traces');
  const more = { COLDPATCH_DATABASE, COLDPATCH_OTLP_ENDPOINT: `${collector.endpoint}/` };
  const server = await serve(more);
  const worker = await startColdpatch(['worker', '--host', 'alpha'], environment(more), /^working as/m);
  running.add(worker);
  await idle(server);
  const runId = await failingRun(server);
  expect(await end(worker)).toBe(0);
  expect(await end(server)).toBe(0);
  expectJoined(runId);
  const services = (name: string) =>
    traced(name).map(({ resource }) => [resource['service.name'], resource['host.name']]);
  expect(services('POST /api/v1/images/:id/runs')).toEqual([['coldpatch-server', expect.any(String)]]);
  expect(services('run rollback')).toEqual([['coldpatch-worker', 'alpha']]);
  expect(services('step rollback')).toEqual([['coldpatch-worker', 'alpha']]);
});

test('collectors that never answer, or are not there, delay nothing, and are told of', async () => {
  const silent = await startOtlpReceiver({ isSilent: true });
  const gone = await startOtlpReceiver();
  await gone.close();
  await Promise.all([silent, gone].map(expectNoDelay));
  expect(silent.raw.length).toBeGreaterThan(0);
  await silent.close();
});

async function expectNoDelay({ endpoint }: OtlpReceiver, index: number): Promise<void> {
  const server = await serve({
    COLDPATCH_OTLP_ENDPOINT: endpoint.replace('//', '//me:hunter2@'),
    COLDPATCH_STATE_DIRECTORY: join(state, `state-${index}`),
  });
  await idle(server);
  const begun = performance.now();
  for (let count = 0; count < 20; count += 1) expect((await ask(server, '/api/v1/runs')).status).toBe(200);
  expect(performance.now() - begun).toBeLessThan(10_000);
  await expect.poll(() => server.output(), patience).toContain('"code":"collector_unreachable"');
  const asked = performance.now();
  expect(await end(server)).toBe(0);
  expect(performance.now() - asked).toBeLessThan(30_000);
  expect(server.output()).not.toContain('hunter2');
}

test('without a collector nothing of OpenTelemetry is loaded, and variables for others are only told of', async () => {
  const hooks = join(state, 'hooks.mjs');
  writeFileSync(
    hooks,
    `import { registerHooks } from 'node:module';
     registerHooks({ resolve(name, context, next) {
       if (/^@opentelemetry\\/(sdk|exporter|resources)/.test(name)) process.stderr.write('loads ' + name + '\\n');
       return next(name, context);
     } });`,
  );
  const watched = { NODE_OPTIONS: `--import=${pathToFileURL(hooks).href}` };
  for (const [more, loads, told] of [
    [{ COLDPATCH_OTLP_ENDPOINT: collector.endpoint }, true, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, false, true],
  ] as const) {
    const server = await serve({ ...watched, ...more });
    expect(await end(server)).toBe(0);
    expect([
      server.output().includes('loads @opentelemetry/'),
      server.output().includes('collector'),
    ]).toEqual([loads, told]);
  }
});
