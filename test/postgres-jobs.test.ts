/** Runs that workers carry out by the steps that pg-boss delivers, on a real PostgreSQL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openQueue, type Queue } from '../src/jobs/postgres/open-queue.ts';
import { startRemoteDispatcher } from '../src/jobs/postgres/start-remote-dispatcher.ts';
import { startWorker } from '../src/jobs/postgres/start-worker.ts';
import { type Dispatcher, type StepContext, type StepHandlers, stepsOfKind } from '../src/jobs/types.ts';
import { ColdpatchError } from '../src/lib/errors.ts';
import { createHostRoom } from '../src/jobs/host-room.ts';
import { noTracing } from '../src/lib/tracing/no-tracing.ts';
import { recordPass } from '../src/store/images.ts';
import { migratePostgres } from '../src/store/migrate-postgres.ts';
import { readMigrations } from '../src/store/migrations.ts';
import { openPostgresStore, type PostgresStore } from '../src/store/open-postgres-store.ts';
import { addRun, changeRun, findRun, pauseRun, type StoredRun, stepsOf } from '../src/store/runs.ts';
import { type RunningPostgres, startPostgres } from '../tools/start-postgres.ts';

const heartbeatSeconds = 10;
const patience = { timeout: 120_000, interval: 50 };
let folder: string;
let postgres: RunningPostgres;
let store: PostgresStore;
let queue: Queue;
let dispatcher: Dispatcher;
let images: readonly string[];
let calls: string[];
let ahead = 0;
let databases = 0;
const workers: { stop(): Promise<void> }[] = [];
const faults: Error[] = [];
let mayBeAway = false;
const onFault = (error: unknown): void => {
  // What could not be asked while the database was away belongs to no run.
  if (mayBeAway && (error as ColdpatchError).code === 'store_unreachable') return;
  faults.push(error as Error);
};

const sources = [{ id: 'shared' }, { id: 'left', hosts: ['alpha'] }];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  postgres = await startPostgres(folder);
});
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  databases += 1;
  calls = [];
  ahead = 0;
  mayBeAway = false;
  store = await openPostgresStore(
    await postgres.makeDatabase(`jobs${databases}`),
    () => new Date(Date.now() + ahead),
  );
  const file = { size: 1, modifiedAt: '', format: 'raw', backing: [], role: 'leaf', problem: null } as const;
  const found = [];
  for (const { id } of sources)
    found.push(
      await recordPass(store, { id, kind: 'folder' }, [
        { ...file, locator: '/a' },
        { ...file, locator: '/b' },
      ]),
    );
  images = found.flatMap(({ due }) => due);
  queue = await openQueue({ pool: store.pool, heartbeatSeconds, onFault });
  dispatcher = startRemoteDispatcher({ store, queue, sources, onFault, tracing: noTracing });
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await dispatcher.stop();
  await queue.stop();
  await store.close();
  const [fault] = faults.splice(0);
  if (fault) throw fault;
});

function work(host: string, more: Partial<StepHandlers> = {}, touchMilliseconds = 2000, as = store): void {
  const step = (name: string) => async (_context: StepContext) => {
    calls.push(`${host} ${name}`);
    return { next: 'continue', result: {} } as const;
  };
  const handlers = {
    collect: step('collect'),
    inspect: step('inspect'),
    match: step('match'),
    plan: step('plan'),
    upgrade: step('upgrade'),
    rollback: step('rollback'),
    ...more,
  };
  const limits = { collect: 1, inspect: 1, upgrade: 1, rollback: 1 };
  const settings = async () => ({ sources, limits, handlers });
  workers.push(
    startWorker({
      store: as,
      queue,
      host,
      touchMilliseconds,
      settings,
      onFault,
      tracing: noTracing,
      room: createHostRoom(),
    }),
  );
}

async function upgrade(imageId = images[0], sourceId = 'shared'): Promise<string> {
  const steps = stepsOfKind.upgrade;
  const wanted = { kind: 'upgrade', sourceId, imageId: imageId ?? '', steps, requestedBy: 'x' } as const;
  const { id } = await addRun(store, wanted);
  dispatcher.wake();
  return id;
}

async function reaches(id: string, state: StoredRun['state']): Promise<StoredRun | undefined> {
  await expect.poll(async () => (await findRun(store, id))?.state, patience).toBe(state);
  return findRun(store, id);
}

const upgradeSteps = ['inspect', 'match', 'plan', 'upgrade'];

test('each step is delivered once, whoever looks for work', async () => {
  for (const host of ['alpha', 'beta', 'gamma']) work(host);
  const ids = [await upgrade(images[0]), await upgrade(images[1])];
  for (const id of ids) {
    await reaches(id, 'done');
    expect((await stepsOf(store, id)).map(({ state }) => state)).toEqual(
      Array.from({ length: 6 }, () => 'done'),
    );
  }
  expect(calls.map((call) => call.split(' ')[1] ?? '').toSorted()).toEqual(
    [...upgradeSteps, ...upgradeSteps].toSorted(),
  );
});

test('a step goes to a host that sees the image, and to no other', async () => {
  work('beta');
  const id = await upgrade(images[2], 'left');
  await reaches(await upgrade(images[0]), 'done');
  expect(await findRun(store, id)).toMatchObject({ state: 'queued', host: null });
  work('alpha');
  expect(await reaches(id, 'done')).toMatchObject({ host: 'alpha' });
});

test('a host has no more upgrades at a time than it may, and plans meanwhile', async () => {
  let now = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  work('alpha', {
    async upgrade() {
      now += 1;
      most = Math.max(most, now);
      await gate.promise;
      now -= 1;
      return { next: 'continue', result: {} };
    },
  });
  const ids = [await upgrade(images[0]), await upgrade(images[1]), await upgrade(images[2], 'left')];
  await expect.poll(() => calls.filter((call) => call === 'alpha plan').length, patience).toBe(3);
  await sleep(1500);
  gate.resolve();
  for (const id of ids) await reaches(id, 'done');
  expect(most).toBe(1);
});

test('a worker that falls silent loses its run to another, and cannot go on with it', async () => {
  const fenced = Promise.withResolvers<string>();
  work(
    'alpha',
    {
      async upgrade({ assertHeld, signal }) {
        calls.push('alpha upgrade');
        await sleep(300_000, undefined, { signal }).catch(() => undefined);
        await assertHeld().catch((error: unknown) => fenced.resolve((error as ColdpatchError).code));
        throw new Error('never promoted');
      },
    },
    // As if it were stopped: it gives no sign of life.
    3_600_000,
  );
  const id = await upgrade();
  await expect.poll(() => calls.includes('alpha upgrade'), patience).toBe(true);
  const before = await findRun(store, id);
  work('beta');
  const after = await reaches(id, 'done');
  expect(await fenced.promise).toBe('run_fenced');
  expect(after).toMatchObject({ host: 'beta', attempt: 1, error_code: null });
  expect(after?.token).toBeGreaterThan(before?.token ?? 0);
  expect(calls.filter((call) => call.endsWith('upgrade'))).toEqual(['alpha upgrade', 'beta upgrade']);
  expect(calls.filter((call) => call.endsWith('plan'))).toHaveLength(1);
});

test('a run at which one worker after the other falls silent is given up', async () => {
  const id = await upgrade();
  await expect.poll(async () => (await findRun(store, id))?.delivery, patience).not.toBeNull();
  // As the last of several dead workers left it.
  await store.db.updateTable('runs').set({ state: 'running', attempt: 4 }).where('id', '=', id).execute();
  work('beta');
  expect(await reaches(id, 'failed')).toMatchObject({ error_code: 'worker_lost', host: 'beta' });
  expect(calls).toEqual([]);
});

test('a run whose job is gone gets another one', async () => {
  const id = await upgrade();
  await expect.poll(async () => (await findRun(store, id))?.delivery, patience).not.toBeNull();
  await dispatcher.stop();
  const { rowCount } = await store.pool.query('DELETE FROM coldpatch_queue.job');
  expect(rowCount).toBe(1);
  dispatcher = startRemoteDispatcher({ store, queue, sources, onFault, tracing: noTracing });
  work('alpha');
  await reaches(id, 'done');
});

test('only errors that waiting may repair are tried again, later', async () => {
  let code: 'image_in_use' | 'verification_failed' = 'image_in_use';
  work('alpha', { plan: () => Promise.reject(new ColdpatchError(code, 'Expected this.')) });
  const id = await upgrade();
  await expect.poll(async () => (await findRun(store, id))?.attempt, patience).toBe(1);
  expect(await findRun(store, id)).toMatchObject({ state: 'queued', error_code: 'image_in_use' });
  code = 'verification_failed';
  ahead = 31_000;
  expect(await reaches(id, 'failed')).toMatchObject({ error_code: 'verification_failed', attempt: 2 });
  expect(calls).toEqual(['alpha inspect', 'alpha match']);
});

test('a run can be cancelled while it waits and while another process carries it out', async () => {
  const waits = await upgrade(images[1]);
  expect(await dispatcher.cancel(waits)).toBe(true);
  work('alpha', {
    async upgrade({ signal }) {
      calls.push('alpha upgrade');
      await sleep(300_000, undefined, { signal });
      throw new Error('never');
    },
  });
  const id = await upgrade();
  await expect.poll(() => calls.includes('alpha upgrade'), patience).toBe(true);
  let told = 0;
  const unwatch = dispatcher.watch(id, () => {
    told += 1;
  });
  expect(await dispatcher.cancel(id)).toBe(true);
  await reaches(id, 'cancelled');
  await expect.poll(() => told, patience).toBeGreaterThan(0);
  unwatch();
  expect(await dispatcher.cancel(id)).toBe(false);
  expect(await findRun(store, waits)).toMatchObject({ state: 'cancelled' });
});

test('a paused run begins no further step until it is resumed', async () => {
  work('alpha', {
    async match({ run }) {
      calls.push('alpha match');
      await pauseRun(store, run.id, true);
      return { next: 'continue', result: {} };
    },
  });
  const id = await upgrade();
  await expect.poll(() => calls.includes('alpha match'), patience).toBe(true);
  await reaches(id, 'queued');
  await sleep(1500);
  expect(calls).toEqual(['alpha inspect', 'alpha match']);
  await pauseRun(store, id, false);
  await reaches(id, 'done');
  expect(calls.slice(2)).toEqual(['alpha plan', 'alpha upgrade']);
});

test('a step that is to come later is delivered again at its time', async () => {
  let until: string | undefined;
  work('alpha', {
    async upgrade() {
      calls.push('alpha upgrade');
      if (until !== undefined) return { next: 'continue', result: {} };
      until = new Date(Date.now() + 2000).toISOString();
      return { next: 'later', until, result: {} };
    },
  });
  const id = await upgrade();
  await expect.poll(() => until, patience).toBeDefined();
  await expect.poll(async () => (await findRun(store, id))?.not_before, patience).toBe(until);
  await reaches(id, 'done');
  expect(calls.filter((call) => call === 'alpha upgrade')).toHaveLength(2);
});

test('a worker that stops hands back what it is at', async () => {
  work('alpha', {
    async upgrade({ signal }) {
      calls.push('alpha upgrade');
      await sleep(300_000, undefined, { signal });
      throw new Error('never');
    },
  });
  const id = await upgrade();
  await expect.poll(() => calls.includes('alpha upgrade'), patience).toBe(true);
  const old = await findRun(store, id);
  await workers.shift()?.stop();
  expect(await findRun(store, id)).toMatchObject({ state: 'queued', delivery: null, attempt: 0 });
  expect(old && (await changeRun(store, old, { state: 'done' }))).toBe(false);
  work('beta');
  await reaches(id, 'done');
});

test('a worker that runs while a newer coldpatch changes the tables lets go of all, and writes and takes nothing', async () => {
  const refused = Promise.withResolvers<string>();
  work('alpha', {
    async upgrade({ assertHeld, signal }) {
      calls.push('alpha upgrade');
      await sleep(300_000, undefined, { signal }).catch(() => undefined);
      await assertHeld().catch((error: unknown) => refused.resolve((error as ColdpatchError).code));
      throw new Error('never promoted');
    },
  });
  const id = await upgrade();
  await expect.poll(() => calls.includes('alpha upgrade'), patience).toBe(true);
  const before = await findRun(store, id);
  const later = { number: 9000, name: '9000-later.sql', breaking: true };
  const sql = 'ALTER TABLE images ADD COLUMN later text';
  await migratePostgres(store.pool, store.now, [...readMigrations('postgres'), { ...later, sql }]);
  expect(await refused.promise).toBe('store_newer');
  const newer = { ...store, newestMigration: 9000 };
  const wanted = { kind: 'inspect', sourceId: 'shared', imageId: images[1] ?? '' } as const;
  const run = { ...wanted, steps: stepsOfKind.inspect, requestedBy: 'x' } as const;
  await expect(addRun(store, run)).rejects.toMatchObject({ code: 'store_newer' });
  const { id: next } = await addRun(newer, run);
  await expect.poll(() => faults.length, patience).toBeGreaterThan(1);
  await workers.shift()?.stop();
  await dispatcher.stop();
  expect(await findRun(store, id)).toEqual(before);
  expect(await findRun(store, next)).toMatchObject({ state: 'queued', host: null });
  expect(new Set(faults.splice(0).map((error) => (error as ColdpatchError).code))).toEqual(
    new Set(['store_newer']),
  );
  work('beta', {}, 2000, newer);
  expect(await reaches(next, 'done')).toMatchObject({ host: 'beta' });
  expect(calls.filter((call) => call.endsWith('upgrade'))).toEqual(['alpha upgrade']);
});

test('runs go on after the database was away', async () => {
  mayBeAway = true;
  work('alpha', {
    async plan() {
      calls.push('alpha plan');
      await postgres.restart();
      return { next: 'continue', result: {} };
    },
  });
  const id = await upgrade();
  await expect.poll(() => calls.filter((call) => call === 'alpha plan').length, patience).toBe(1);
  await reaches(id, 'done');
});
