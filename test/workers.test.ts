/** A server and two workers on a real PostgreSQL with real Debian images: each is upgraded once, whatever is killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../tools/start-postgres.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { type ImageLab, makeImageLab } from './support/image-lab.ts';
import { makeNewerVersion } from './support/make-newer-version.ts';
import {
  type RunningProgram,
  type RunningServer,
  startColdpatch,
  startServe,
} from './support/running-program.ts';

const hosts = ['alpha', 'beta'] as const;
let folder: string;
let postgres: RunningPostgres;
let database: string;
let lab: ImageLab;
let server: RunningServer;
const workers = new Map<string, RunningProgram>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'workers-'));
  postgres = await startPostgres(folder);
  database = await postgres.makeDatabase('coldpatch');
  lab = await makeImageLab();
});

afterAll(async () => {
  for (const worker of workers.values()) await worker.end('SIGTERM');
  await server.end('SIGTERM');
  await lab.end();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

async function startWorker(host: string): Promise<void> {
  const environment = { ...lab.environment(host), COLDPATCH_DATABASE: database };
  workers.set(host, await startColdpatch(['worker', '--host', host], environment, /^working as/m));
}

interface Run {
  readonly id: string;
  readonly image: string;
  readonly state: string;
  readonly attempt: number;
  readonly host: string | null;
  readonly outcome: { readonly outcome: string } | null;
  readonly error: { readonly code: string } | null;
}

interface Step {
  readonly name: string;
  readonly state: string;
}

interface Image {
  readonly id: string;
  readonly locator: string;
  readonly owner: string | null;
  readonly outdated: number | null;
}

const patience = { timeout: 15 * 60_000, interval: 200 };

test('a worker without a server is refused', async () => {
  const { exitCode, stderr } = await runColdpatch({
    args: ['worker', '--database', database],
    environment: lab.environment(),
  });
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('state_conflict'),
  });
});

test('every image is upgraded exactly once by two workers of which one is killed in mid-upgrade', async () => {
  const policies = lab.writePolicies({ workers: { heartbeatSeconds: 15 } });
  server = await startServe(['--policies', policies, '--database', database], lab.environment());
  for (const host of hosts) await startWorker(host);

  const isInMidUpgrade = async ({ id, image }: Run): Promise<boolean> => {
    const { state, steps } = await server.get<Run & { steps: readonly Step[] }>(`/api/v1/runs/${id}`);
    const { locator } = await server.get<Image>(`/api/v1/images/${image}`);
    const atWork = steps.some((step) => step.name === 'upgrade' && step.state === 'running');
    return state === 'running' && atWork && lab.isInMidUpgrade(locator);
  };
  let lost: Run | undefined;
  const kill = async (): Promise<boolean> => {
    if (!lab.isInMidUpgrade()) return false;
    for (const run of await server.list<Run>('/api/v1/runs?kind=upgrade&state=running')) {
      const worker = workers.get(run.host ?? '');
      if (!(await isInMidUpgrade(run)) || !(await worker?.killIf(() => isInMidUpgrade(run)))) continue;
      lost = run;
      return true;
    }
    return false;
  };
  await expect.poll(kill, { ...patience, interval: 20 }).toBe(true);
  const killed = lost?.host ?? '';
  workers.delete(killed);
  expect(lab.isInMidUpgrade()).toBe(true);
  expect(hosts).toContain(killed);

  const runs = (): Promise<readonly Run[]> => server.list<Run>('/api/v1/runs?kind=upgrade');
  await expect
    .poll(async () => (await runs()).map(({ state }) => state), patience)
    .toEqual(lab.images.map(() => 'done'));

  const ended = await runs();
  expect(new Set(ended.map(({ image }) => image)).size).toBe(lab.images.length);
  const again = ended.find(({ id }) => id === lost?.id);
  expect(again?.host).toBe(hosts.find((host) => host !== killed));
  expect(again?.attempt).toBeGreaterThan(0);
  const leaves = await server.list<Image>('/api/v1/images?role=leaf');
  expect(leaves.map(({ locator }) => locator).toSorted()).toEqual(lab.images.toSorted());
  for (const { id, locator, owner, outdated } of leaves) {
    expect({ locator, owner, outdated }).toEqual({
      locator,
      owner: lab.domains.get(locator) ?? null,
      outdated: 0,
    });
    expect(await server.list(`/api/v1/images/${id}/generations`)).toHaveLength(1);
  }
  await lab.expectUpgradedOnce(hosts);
});

test('what is malformed is refused, and a run is followed while another process carries it out', async () => {
  for (const path of ['images/%00', 'runs/%00', 'images?search=%00', 'images?package=%00&below=%00']) {
    const status = await server.status(`/api/v1/${path}`);
    expect(status).toBeGreaterThanOrEqual(200);
    expect(status).toBeLessThan(500);
  }
  expect(await server.post('/api/v1/sources/lab/collect')).toBe(202);
  const [run] = await server.list<Run>('/api/v1/runs?kind=collect');
  const events = await server.text(`/api/v1/runs/${run?.id}/events`);
  expect(events).toContain('event: step');
  expect(events).toContain('"state":"done"');
  expect(await server.list<Run>('/api/v1/runs?kind=upgrade')).toHaveLength(lab.images.length);
});

test('a worker stops when it is asked to, and the audit log verifies', async () => {
  for (const [host, worker] of workers) {
    expect(await worker.end('SIGTERM')).toBe(0);
    workers.delete(host);
  }
  const { exitCode, stdout } = await runColdpatch({
    args: ['audit', 'verify'],
    environment: { ...lab.environment(), COLDPATCH_DATABASE: database },
  });
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+ entries/) });
});

test('a server and a worker that run while a newer server changes the tables end by themselves and say why', async () => {
  await startWorker('alpha');
  const file = makeNewerVersion(join(folder, 'newer'), 'ALTER TABLE images ADD COLUMN later text;');
  const args = ['--policies', lab.writePolicies(), '--database', database];
  const newer = await startServe(args, lab.environment(), server.token, file);
  try {
    for (const one of [server, workers.get('alpha')]) {
      expect(await one?.ended).toBe(3);
      expect(one?.output()).toMatch(/coldpatch: error store_newer: .* migration 9000\. Update coldpatch/);
    }
    const late = runColdpatch({ args: ['worker', '--database', database], environment: lab.environment() });
    expect(await late).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('store_newer') as string,
    });
    expect(await newer.status('/health/ready')).toBe(200);
  } finally {
    expect(await newer.end('SIGTERM')).toBe(0);
  }
});
