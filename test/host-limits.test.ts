/** Limits of a host, with a real server and real Debian images. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImageLab, makeImageLab } from './support/image-lab.ts';
import { type RunningServer, startServe } from './support/running-program.ts';

let lab: ImageLab;
let server: RunningServer | undefined;
let token = '';

const patience = { timeout: 5 * 60_000, interval: 50 };

beforeAll(async () => {
  lab = await makeImageLab({ bases: ['plain'], overlaysOfBase: 2 });
  // Copies of sparse files take what is allocated, so that is what counts.
  for (const image of lab.images)
    execFileSync('fallocate', ['--keep-size', '-o', String(statSync(image).size), '-l', '8MiB', image]);
});
afterAll(async () => {
  await server?.end('SIGTERM');
  await lab.end();
});

async function restart(limits: Readonly<Record<string, unknown>>): Promise<RunningServer> {
  await server?.end('SIGTERM');
  server = await startServe(['--policies', lab.writePolicies({ limits })], lab.environment(), token);
  ({ token } = server);
  return server;
}

interface Run {
  readonly id: string;
  readonly image: string;
  readonly state: string;
  readonly outcome: { readonly outcome: string; readonly resources?: readonly string[] } | null;
  readonly error: { readonly code: string } | null;
}

interface Event {
  readonly at: string;
  readonly phase?: string;
}

async function eventsOf({ text }: RunningServer, { id }: Run): Promise<readonly Event[]> {
  return (await text(`/api/v1/runs/${id}/events`))
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Event);
}

test('an upgrade that can never fit on the host fails, and says what it needs', async () => {
  const { list } = await restart({ upgrades: 2, inspections: 2, memoryMebibytes: 1024 });
  const runs = (): Promise<readonly Run[]> => list<Run>('/api/v1/runs?kind=upgrade');
  await expect
    .poll(async () => (await runs()).map(({ state }) => state), patience)
    .toEqual(lab.images.map(() => 'failed'));
  for (const { error } of await runs())
    expect(error).toMatchObject({
      code: 'host_too_small',
      message: expect.stringMatching(/\d MiB of memory/),
    });
});

test('two upgrades for which there is no room at once are done one after the other', async () => {
  const started = await restart({
    upgrades: 2,
    inspections: 2,
    memoryMebibytes: 8192,
    // The plan asks for 32 MiB in each, so each takes some 72.
    scratchMebibytes: 100,
    ioMebibytesPerSecond: 512,
  });
  const { list, post } = started;
  const images = await list<{ readonly id: string }>('/api/v1/images?role=leaf');
  for (const { id } of images) expect(await post(`/api/v1/images/${id}/runs`, { kind: 'upgrade' })).toBe(202);
  const runs = async (): Promise<readonly Run[]> =>
    (await list<Run>('/api/v1/runs?kind=upgrade')).filter(({ state }) => state !== 'failed');
  let waiting: Run | undefined;
  await expect
    .poll(async () => {
      waiting = (await runs()).find(({ outcome }) => outcome?.outcome === 'waits_for_host');
      return waiting?.outcome;
    }, patience)
    .toMatchObject({ resources: ['scratch'], needs: { scratch: expect.any(Number) } });
  await expect.poll(async () => (await runs()).map(({ state }) => state), patience).toEqual(['done', 'done']);

  const other = (await runs()).find(({ id }) => id !== waiting?.id);
  if (!waiting || !other) throw new Error('expected two runs');
  const phases = async (run: Run): Promise<readonly Event[]> =>
    (await eventsOf(started, run)).filter(({ phase }) => phase !== undefined);
  const first = await phases(other);
  const second = await phases(waiting);
  expect(first.map(({ phase }) => phase)).toContain('promote');
  expect(second.map(({ phase }) => phase)).toContain('promote');
  expect(Date.parse(second[0]?.at ?? '')).toBeGreaterThanOrEqual(Date.parse(first.at(-1)?.at ?? ''));
  await lab.expectUpgradedOnce([undefined]);
});
