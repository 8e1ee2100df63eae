import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultConfig } from '../../config/default-config.ts';
import { serverSchema } from '../../config/server-schema.ts';
import { createHostRoom } from '../../jobs/host-room.ts';
import type { StepContext, StepHandlers } from '../../jobs/types.ts';
import { listImages, recordPass } from '../../store/images.ts';
import { openStore, type Store } from '../../store/open-store.ts';
import { addRun, claimRun, findRun, setSteps, type StoredRun } from '../../store/runs.ts';
import { withHostRoom } from './with-host-room.ts';

const mebibyte = 1024 ** 2;
let folder: string;
let store: Store;
let run: StoredRun;
let events: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'host-room-'));
  store = openStore(join(folder, 'db'), () => new Date('2026-11-21T00:00:00Z'));
  events = [];
  const locator = join(folder, 'a.raw');
  writeFileSync(locator, Buffer.alloc(3 * mebibyte, 1));
  const file = { size: 1, modifiedAt: '', format: 'raw', backing: [], role: 'leaf', problem: null } as const;
  await recordPass(store, { id: 'lab', kind: 'folder' }, [{ ...file, locator }]);
  const [image] = await listImages(store, {}, { limit: 1 });
  const steps = ['plan', 'upgrade'];
  const wanted = {
    kind: 'upgrade',
    sourceId: 'lab',
    imageId: image?.id ?? '',
    steps,
    requestedBy: 'x',
  } as const;
  const { id } = await addRun(store, wanted);
  await setSteps(store, id, ['plan'], { state: 'done', result: JSON.stringify({ needed: mebibyte }) });
  run = (await claimRun(store, ['upgrade'])) as StoredRun;
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const room = createHostRoom();

/** Handlers on a host where an upgrade of the image begins when there is room. */
function handlersOn(host: string | undefined, limits: object, hosts?: readonly string[]): StepHandlers {
  const source = { id: 'lab', kind: 'folder', directory: folder, ...(hosts && { hosts }) };
  const settings = serverSchema.parse({ sources: [source], limits });
  const config = defaultConfig({ environment: {}, isRoot: false });
  const begin = async () => {
    await sleep(10);
    // What it needs is kept while it works.
    const asked = { kind: 'inspect', limits: { memory: 100_000 * mebibyte }, onWait: () => undefined };
    const needs = { memory: 99_000 * mebibyte, scratch: 0 };
    const signal = AbortSignal.timeout(20);
    const isKept = await room.reserve({ ...asked, needs, signal }).then(
      (reserved) => reserved[Symbol.dispose](),
      () => true,
    );
    return { next: 'continue', result: { began: true, isKept } } as const;
  };
  const all = { collect: begin, inspect: begin, match: begin, plan: begin, upgrade: begin, rollback: begin };
  return withHostRoom({ config, settings, store }, all, { ...(host !== undefined && { name: host }), room });
}

function context(): StepContext {
  return {
    run,
    fencingToken: '',
    signal: new AbortController().signal,
    report: async (kind, detail) => void events.push({ kind, ...detail }),
    enter: async () => undefined,
    assertHeld: async () => undefined,
  };
}

test('what fits begins', async () => {
  const limits = { memoryMebibytes: 1792, scratchMebibytes: 6 };
  expect(await handlersOn(undefined, limits).upgrade(context())).toMatchObject({ result: { isKept: true } });
  expect(room.isWaitedFor('upgrade')).toBe(false);
});

test('what can never fit is refused with what it needs', async () => {
  const upgraded = (limits: object) => handlersOn(undefined, limits).upgrade(context());
  await expect(upgraded({ memoryMebibytes: 1791 })).rejects.toMatchObject({
    code: 'host_too_small',
    message: expect.stringContaining('1792 MiB of memory, of which it may have 1791 MiB'),
  });
  await expect(upgraded({ scratchMebibytes: 4 })).rejects.toMatchObject({
    code: 'host_too_small',
    message: expect.stringMatching(/\b[56] MiB of scratch, of which it may have 4 MiB/),
  });
  const { collect, inspect } = handlersOn(undefined, { memoryMebibytes: 1 });
  expect(await collect(context())).toMatchObject({ next: 'continue' });
  await expect(inspect(context())).rejects.toMatchObject({ code: 'host_too_small' });
});

test('what fits on another host that sees the image is left to it', async () => {
  const limits = { memoryMebibytes: 512, hosts: { big: { memoryMebibytes: 4096 } } };
  const later = { next: 'later', until: '2026-11-21T00:00:30.000Z' };
  expect(await handlersOn('small', limits).upgrade(context())).toMatchObject(later);
  expect(await handlersOn('small', limits, ['small', 'big']).upgrade(context())).toMatchObject(later);
  expect(await handlersOn('big', limits).upgrade(context())).toMatchObject({ next: 'continue' });
  const unseen = handlersOn('small', limits, ['small', 'other']);
  await expect(unseen.upgrade(context())).rejects.toMatchObject({ code: 'host_too_small' });
});

test('who waits says so, and for what', async () => {
  const handlers = handlersOn(undefined, { memoryMebibytes: 2000 });
  const needs = { memory: 1000 * mebibyte, scratch: 0 };
  const before = await room.reserve({
    kind: 'inspect',
    needs,
    limits: {},
    signal: new AbortController().signal,
    onWait: () => undefined,
  });
  const upgrading = handlers.upgrade(context());
  await expect
    .poll(() => events)
    .toMatchObject([
      { kind: 'waits', outcome: 'waits_for_host', resources: ['memory'], needs: { memory: 1792 * mebibyte } },
    ]);
  expect((await findRun(store, run.id))?.outcome).toContain('waits_for_host');
  before[Symbol.dispose]();
  expect(await upgrading).toMatchObject({ result: { began: true } });
});
