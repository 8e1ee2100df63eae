import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ColdpatchError } from '../lib/errors.ts';
import { noTracing } from '../lib/tracing/no-tracing.ts';
import { listImages, recordPass } from '../store/images.ts';
import { openStore, type Store } from '../store/open-store.ts';
import {
  addRun,
  claimRun,
  findRun,
  holdsRun,
  moveRun,
  type NewRun,
  pauseRun,
  requeueRuns,
  runEvents,
  stepsOf,
} from '../store/runs.ts';
import { createHostRoom, type HostRoom } from './host-room.ts';
import { startDispatcher } from './start-dispatcher.ts';
import { type Dispatcher, type StepContext, type StepHandlers, stepsOfKind } from './types.ts';

let folder: string;
let store: Store;
let image: string;
let time = Date.parse('2026-11-21T00:00:00Z');
let calls: string[];
let room: HostRoom;
let dispatcher: Dispatcher | undefined;
const faults: Error[] = [];

const lost = { most: 5, failure: { error_code: 'worker_lost', error_message: null } };
const patience = { timeout: 30_000, interval: 5 };
let limits = { collect: 1, inspect: 1, upgrade: 1, rollback: 1 };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  store = openStore(join(folder, 'db'), () => new Date(time));
  const file = { size: 1, modifiedAt: '', format: 'raw', backing: [], role: 'leaf', problem: null } as const;
  await recordPass(store, { id: 'lab', kind: 'folder' }, [
    { ...file, locator: '/a' },
    { ...file, locator: '/b' },
  ]);
  image = (await listImages(store, {}, { limit: 1 }))[0]?.id ?? '';
  calls = [];
  room = createHostRoom();
});
afterEach(async () => {
  await dispatcher?.stop();
  dispatcher = undefined;
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  if (faults[0]) throw faults[0];
});

function handlers(more: Partial<StepHandlers> = {}): StepHandlers {
  const step = (name: string) => async (_context: StepContext) => {
    calls.push(name);
    return { next: 'continue', result: {} } as const;
  };
  return {
    collect: step('collect'),
    inspect: step('inspect'),
    match: step('match'),
    plan: step('plan'),
    upgrade: step('upgrade'),
    rollback: step('rollback'),
    ...more,
  };
}

async function start(more: Partial<StepHandlers> = {}): Promise<Dispatcher> {
  dispatcher = await startDispatcher({
    store,
    limits,
    handlers: handlers(more),
    pollMilliseconds: 5,
    tracing: noTracing,
    room,
    onFault: (error) => faults.push(error as Error),
  });
  return dispatcher;
}

async function upgrade(imageId = image): Promise<string> {
  const run = {
    kind: 'upgrade',
    sourceId: 'lab',
    imageId,
    steps: stepsOfKind.upgrade,
    requestedBy: 'x',
  } as const;
  return (await addRun(store, run)).id;
}

async function reaches(id: string, state: string): Promise<void> {
  await expect.poll(async () => (await findRun(store, id))?.state, patience).toBe(state);
}

test('a run goes through its steps once', async () => {
  const id = await upgrade();
  await start();
  await reaches(id, 'done');
  expect(calls).toEqual(['inspect', 'match', 'plan', 'upgrade']);
  expect((await stepsOf(store, id)).map(({ state }) => state)).toEqual(
    Array.from({ length: 6 }, () => 'done'),
  );
  expect((await runEvents(store, id, { after: 0, limit: 99 })).length).toBeGreaterThan(8);
});

function inspection(): NewRun {
  return { kind: 'inspect', sourceId: 'lab', imageId: image, steps: ['inspect'], requestedBy: 'x' };
}

test('there are never two runs on one image, and an idempotency key makes one run', async () => {
  const id = await upgrade();
  const run = inspection();
  expect(await addRun(store, run)).toEqual({ answer: 'busy', id });
  await moveRun(store, id, { from: ['queued'], to: 'cancelled' });
  const added = await addRun(store, { ...run, idempotencyKey: 'k' });
  expect(added.answer).toBe('added');
  expect(await addRun(store, { ...run, idempotencyKey: 'k' })).toEqual({ answer: 'again', id: added.id });
});

test('an idempotency key is forgotten after a day', async () => {
  const run = { ...inspection(), idempotencyKey: 'monday' };
  const first = await addRun(store, run);
  await moveRun(store, first.id, { from: ['queued'], to: 'cancelled' });
  time += 23 * 3_600_000;
  expect(await addRun(store, run)).toEqual({ answer: 'again', id: first.id });
  time += 2 * 3_600_000;
  const next = await addRun(store, run);
  expect(next.answer).toBe('added');
  expect(next.id).not.toBe(first.id);
});

test('a run at which the process dies again and again fails', async () => {
  const id = await upgrade();
  for (let deaths = 1; deaths < 5; deaths += 1) {
    await claimRun(store, ['upgrade']);
    expect(await requeueRuns(store, lost)).toEqual([]);
    expect(await findRun(store, id)).toMatchObject({ state: 'queued', attempt: deaths });
  }
  await claimRun(store, ['upgrade']);
  expect(await requeueRuns(store, lost)).toEqual([id]);
  expect(await findRun(store, id)).toMatchObject({
    state: 'failed',
    attempt: 5,
    error_code: 'worker_lost',
    ended_at: new Date(time).toISOString(),
  });
});

test('what is left running by a dead process begins again where it was, and the old token is void', async () => {
  const id = await upgrade();
  const old = await claimRun(store, ['upgrade']);
  expect(old && (await holdsRun(store, old))).toBe(true);
  await requeueRuns(store, lost);
  expect(old && (await holdsRun(store, old))).toBe(false);
  await start();
  await reaches(id, 'done');
  expect((await findRun(store, id))?.token).toBeGreaterThan(old?.token ?? 0);
});

test('a step that was done is not done again, a half upgrade is', async () => {
  const id = await upgrade();
  await start({
    async upgrade({ enter, signal }) {
      calls.push('half');
      await enter('verify');
      await sleep(60_000, undefined, { signal });
      throw new Error('never');
    },
  });
  await expect.poll(() => calls.includes('half')).toBe(true);
  await dispatcher?.stop();
  expect((await findRun(store, id))?.state).toBe('queued');
  await start();
  await reaches(id, 'done');
  expect(calls).toEqual(['inspect', 'match', 'plan', 'half', 'upgrade']);
});

test('only errors that waiting may repair are tried again, later and later', async () => {
  const id = await upgrade();
  let code: 'image_in_use' | 'verification_failed' = 'image_in_use';
  await start({
    plan: () => Promise.reject(new ColdpatchError(code, 'Expected this.')),
  });
  await expect.poll(async () => (await findRun(store, id))?.attempt).toBe(1);
  expect(await findRun(store, id)).toMatchObject({ state: 'queued', error_code: 'image_in_use' });
  code = 'verification_failed';
  time += 31_000;
  await reaches(id, 'failed');
  expect(calls).toEqual(['inspect', 'match']);
});

test('a worker that lost its run cannot go on', async () => {
  const id = await upgrade();
  const seen = Promise.withResolvers<string>();
  await start({
    async upgrade({ assertHeld }) {
      await store.db.updateTable('runs').set({ token: 99 }).where('id', '=', id).execute();
      await assertHeld().catch((error: unknown) => seen.resolve((error as ColdpatchError).code));
      throw new ColdpatchError('run_fenced', 'lost');
    },
  });
  expect(await seen.promise).toBe('run_fenced');
});

test('a run waits for an approval, and can be cancelled while it waits and while it runs', async () => {
  const id = await upgrade();
  const waiting = await start({
    plan: async () => ({ next: 'wait', result: { changes: 1 } }),
    async upgrade({ signal }) {
      calls.push('upgrade');
      await sleep(60_000, undefined, { signal });
      throw new Error('never');
    },
  });
  await reaches(id, 'waiting');
  expect(calls).not.toContain('upgrade');
  expect(await moveRun(store, id, { from: ['waiting'], to: 'queued', approvedBy: 'boss' })).toBe(true);
  await expect.poll(() => calls.includes('upgrade')).toBe(true);
  expect(await waiting.cancel(id)).toBe(true);
  await reaches(id, 'cancelled');
  expect(await waiting.cancel(id)).toBe(false);
});

test('a step that is to come later begins again at its time, and what was done before it is not done again', async () => {
  const id = await upgrade();
  const until = new Date(time + 3_600_000).toISOString();
  await start({
    async upgrade({ run }) {
      calls.push('upgrade');
      return run.not_before === until
        ? { next: 'continue', result: {} }
        : { next: 'later', until, result: { outcome: 'waits' } };
    },
  });
  await expect.poll(async () => (await findRun(store, id))?.not_before).toBe(until);
  expect(await findRun(store, id)).toMatchObject({
    state: 'queued',
    attempt: 0,
    error_code: null,
    outcome: '{"outcome":"waits"}',
  });
  time += 3_600_000;
  await reaches(id, 'done');
  expect(calls).toEqual(['inspect', 'match', 'plan', 'upgrade', 'upgrade']);
});

test('a limit holds', async () => {
  const [first, second] = await listImages(store, {}, { limit: 2 });
  let most = 0;
  let now = 0;
  const ids = [await upgrade(first?.id), await upgrade(second?.id)];
  await start({
    async upgrade() {
      now += 1;
      most = Math.max(most, now);
      await sleep(20);
      now -= 1;
      return { next: 'continue', result: {} };
    },
  });
  for (const id of ids) await reaches(id, 'done');
  expect(most).toBe(1);
});

test('while a run waits for room on the host no other of its kind is taken', async () => {
  const [first, second] = await listImages(store, {}, { limit: 2 });
  const ids = [await upgrade(first?.id), await upgrade(second?.id)];
  const asked = {
    kind: 'upgrade',
    needs: { memory: 6, scratch: 0 },
    limits: { memory: 10 },
    signal: new AbortController().signal,
    onWait: () => undefined,
  };
  const before = await room.reserve(asked);
  const one = limits;
  limits = { ...limits, upgrade: 2 };
  // The second run comes to be queued only when the first one waits already.
  await store.db
    .updateTable('runs')
    .set({ paused: 1 })
    .where('id', '=', ids[1] ?? '')
    .execute();
  await start({
    async upgrade({ signal }) {
      using _reserved = await room.reserve({ ...asked, signal });
      return { next: 'continue', result: {} };
    },
  });
  await expect.poll(() => room.isWaitedFor('upgrade')).toBe(true);
  await store.db.updateTable('runs').set({ paused: 0 }).execute();
  await sleep(50);
  expect(await findRun(store, ids[1] ?? '')).toMatchObject({ state: 'queued', started_at: null });
  before[Symbol.dispose]();
  for (const id of ids) await reaches(id, 'done');
  limits = one;
});

test('a paused run finishes its step, and goes on when it is resumed', async () => {
  const id = await upgrade();
  await start({
    async match() {
      calls.push('match');
      expect(await pauseRun(store, id, true)).toBe(true);
      return { next: 'continue', result: {} };
    },
  });
  await expect.poll(() => calls.includes('match')).toBe(true);
  await reaches(id, 'queued');
  await sleep(30);
  expect(calls).toEqual(['inspect', 'match']);
  expect(await pauseRun(store, id, false)).toBe(true);
  await reaches(id, 'done');
  expect(calls).toEqual(['inspect', 'match', 'plan', 'upgrade']);
  expect(await pauseRun(store, id, true)).toBe(false);
});

test('when a newer coldpatch changed the tables, what runs is let go, and nothing is written or begun', async () => {
  const id = await upgrade();
  let refused: unknown;
  await start({
    async upgrade({ signal, assertHeld }) {
      calls.push('half');
      await sleep(60_000, undefined, { signal }).catch(() => undefined);
      await assertHeld().catch((error: unknown) => {
        refused = error;
      });
      signal.throwIfAborted();
      throw new Error('never');
    },
  });
  await expect.poll(() => calls.includes('half'), patience).toBe(true);
  const before = await findRun(store, id);
  const newer = { number: 9000, name: '9000-later.sql', breaking: 1, made_at: '' };
  await store.db.insertInto('migrations').values(newer).execute();
  await expect.poll(() => (refused as ColdpatchError | undefined)?.code, patience).toBe('store_newer');
  await dispatcher?.stop();
  expect(await findRun(store, id)).toEqual(before);
  await expect(upgrade()).rejects.toMatchObject({ code: 'store_newer' });
  expect(faults.splice(0).map((error) => (error as ColdpatchError).code)).toContain('store_newer');
});
