/** A server and two workers on a real PostgreSQL with real Debian images: each is upgraded once, whatever is killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningPostgres, startPostgres } from '../tools/start-postgres.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { type ImageLab, makeImageLab } from './support/image-lab.ts';
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
  const policies = lab.writePolicies({ workers: { heartbeatSeconds: 10 } });
  server = await startServe(['--policies', policies, '--database', database], lab.environment());
  for (const host of hosts) await startWorker(host);

  const upgrading = async (): Promise<Run | undefined> => {
    if (!lab.isInMidUpgrade()) return undefined;
    const runs = await server.list<Run>('/api/v1/runs?kind=upgrade&state=running');
    for (const run of runs) {
      const { steps } = await server.get<{ steps: readonly { name: string; state: string }[] }>(
        `/api/v1/runs/${run.id}`,
      );
      if (steps.some(({ name, state }) => name === 'upgrade' && state === 'running')) return run;
    }
    return undefined;
  };
  let lost: Run | undefined;
  await expect
    .poll(async () => (lost = await upgrading()) !== undefined, { ...patience, interval: 20 })
    .toBe(true);
  const killed = lost?.host ?? '';
  await workers.get(killed)?.end('SIGKILL');
  workers.delete(killed);
  expect(lab.isInMidUpgrade()).toBe(true);
  expect(hosts).toContain(killed);

  const runs = (): Promise<readonly Run[]> => server.list<Run>('/api/v1/runs?kind=upgrade');
  await expect
    .poll(async () => (await runs()).map(({ state }) => state), patience)
    .toEqual(lab.images.map(() => 'done'));

  const ended = await runs();
  expect(new Set(ended.map(({ image }) => image)).size).toBe(lab.images.length);
  expect(ended.find(({ id }) => id === lost?.id)).toMatchObject({
    attempt: 1,
    host: hosts.find((host) => host !== killed),
  });
  const leaves = await server.list<{ id: string; outdated: number }>('/api/v1/images?role=leaf');
  for (const { id, outdated } of leaves) {
    expect(outdated).toBe(0);
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

test('all of them stop when they are asked to, and the audit log verifies', async () => {
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
