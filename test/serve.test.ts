/** The server on SQLite with real Debian images: each is upgraded once, whatever is killed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runColdpatch } from './support/command-line-fixture.ts';
import { type ImageLab, makeImageLab } from './support/image-lab.ts';
import { type RunningServer, startServe } from './support/running-program.ts';

let lab: ImageLab;
let server: RunningServer | undefined;
let output = '';

beforeAll(async () => {
  lab = await makeImageLab();
});

afterAll(async () => {
  await server?.end('SIGTERM');
  await lab.end();
});

async function start(token?: string): Promise<RunningServer> {
  server = await startServe(
    ['--policies', lab.writePolicies({ limits: { upgrades: 2, inspections: 2 } })],
    lab.environment(),
    token,
  );
  return server;
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const last = server;
  server = undefined;
  await last?.end(signal);
  output += last?.output() ?? '';
}

interface Run {
  readonly state: string;
}

interface Image {
  readonly id: string;
  readonly locator: string;
  readonly role: string;
  readonly owner: string | null;
  readonly outdated: number | null;
}

const patience = { timeout: 15 * 60_000, interval: 100 };
let token = '';

test('every image is upgraded exactly once by a server that is killed in mid-upgrade and started again', async () => {
  ({ token } = await start());
  const killed = (): Promise<boolean> => server?.killIf(() => lab.isInMidUpgrade()) ?? Promise.resolve(false);
  await expect.poll(killed, patience).toBe(true);
  await end('SIGKILL');
  expect(lab.isInMidUpgrade()).toBe(true);
  const { list } = await start(token);
  await expect
    .poll(async () => (await list<Run>('/api/v1/runs?kind=upgrade')).map(({ state }) => state), patience)
    .toEqual(lab.images.map(() => 'done'));

  const leaves = await list<Image>('/api/v1/images?role=leaf');
  expect(leaves.map(({ locator }) => locator).toSorted()).toEqual(lab.images.toSorted());
  for (const { id, locator, owner, outdated } of leaves) {
    expect({ locator, owner, outdated }).toEqual({
      locator,
      owner: lab.domains.get(locator) ?? null,
      outdated: 0,
    });
    expect(await list(`/api/v1/images/${id}/generations`)).toHaveLength(1);
  }
  await lab.expectUpgradedOnce([undefined]);
  const old = await list<Image>('/api/v1/images?package=app&below=2.0');
  expect(old.map(({ role }) => role)).toEqual(lab.bases.map(() => 'base'));
  expect(await list<Image>('/api/v1/images?package=app&role=leaf')).toHaveLength(lab.images.length);
});

test('another pass finds nothing to do, and what was rolled back is not upgraded by itself', async () => {
  const { list, post, get } = server ?? (await start(token));
  const [image] = await list<Image>('/api/v1/images?role=leaf');
  expect(await post(`/api/v1/images/${image?.id}/runs`, { kind: 'rollback' })).toBe(202);
  const idle = async (): Promise<boolean> =>
    (await list<Run>('/api/v1/runs')).every(({ state }) => ['done', 'failed', 'cancelled'].includes(state));
  await expect.poll(idle, patience).toBe(true);
  for (const source of ['lab', 'vms']) expect(await post(`/api/v1/sources/${source}/collect`)).toBe(202);
  await expect.poll(idle, patience).toBe(true);
  const failed = (await list<Run>('/api/v1/runs')).filter(({ state }) => state !== 'done');
  expect(failed).toEqual([]);
  expect(await list<Run>('/api/v1/runs?kind=upgrade')).toHaveLength(lab.images.length);
  const after = await get<Image & { readonly held: string }>(`/api/v1/images/${image?.id}`);
  expect(after).toMatchObject({ held: 'rolled_back', outdated: expect.any(Number) });
  expect(after.outdated).toBeGreaterThan(0);
});

test('it stops when it is asked to, keeps no secret in its log, and its audit log verifies', async () => {
  await end('SIGTERM');
  expect(output.split('\n').filter((line) => line.includes(token))).toEqual([token]);
  const { exitCode, stdout } = await runColdpatch({
    args: ['audit', 'verify'],
    environment: lab.environment(),
  });
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+ entries/) });
});
