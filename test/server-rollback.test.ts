/** A rollback that the server is asked for: delivered twice it goes back once, and not at all when the run was lost. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stepHandlers } from '../src/app/server/step-handlers.ts';
import { defaultConfig } from '../src/config/default-config.ts';
import { serverSchema } from '../src/config/server-schema.ts';
import { carryOut } from '../src/jobs/carry-out.ts';
import { createHostRoom } from '../src/jobs/host-room.ts';
import { type StepHandlers, stepsOfKind } from '../src/jobs/types.ts';
import { ColdpatchError } from '../src/lib/errors.ts';
import { noTracing } from '../src/lib/tracing/no-tracing.ts';
import { listGenerations } from '../src/machines/generations/list-generations.ts';
import { findImage, listImages, recordPass } from '../src/store/images.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { addRun, claimRun, findRun, generationsOfImage, requeueRuns } from '../src/store/runs.ts';
import { update } from './support/change-image.ts';

let folder: string;
let image: string;
let imageId: string;
let store: Store;
let handlers: StepHandlers;
let time = Date.parse('2026-11-21T00:00:00Z');

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'server-rollback-')));
  const directory = join(folder, 'images');
  mkdirSync(directory);
  image = join(directory, 'web.img');
  const content = join(folder, 'content');
  writeFileSync(image, 'first');
  for (const text of ['second', 'third']) {
    writeFileSync(content, text);
    await update(image, content, () => undefined);
  }
  store = openStore(join(folder, 'db'), () => new Date(time));
  const source = { id: 'lab', kind: 'folder', directory };
  const file = { size: 1, modifiedAt: '', format: 'raw', backing: [], role: 'leaf', problem: null } as const;
  await recordPass(store, source, [{ ...file, locator: image }]);
  imageId = (await listImages(store, {}, { limit: 1 }))[0]?.id ?? '';
  const config = {
    ...defaultConfig({ environment: {}, isRoot: true }),
    stateDirectory: join(folder, 'state'),
  };
  const settings = serverSchema.parse({ sources: [source] });
  handlers = stepHandlers({ config, settings, store }, { room: createHostRoom() });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function ask(argument?: string): Promise<string> {
  const steps = stepsOfKind.rollback;
  const { id } = await addRun(store, {
    kind: 'rollback',
    sourceId: 'lab',
    imageId,
    steps,
    requestedBy: 'x',
    argument,
  });
  return id;
}

async function deliver(rollback: StepHandlers['rollback']): Promise<void> {
  time += 3_600_000;
  const run = await claimRun(store, ['rollback']);
  if (!run) throw new Error('Expected a run, but there is none.');
  const signal = new AbortController().signal;
  await carryOut(run, {
    store,
    handlers: { ...handlers, rollback },
    signal,
    onChange: () => undefined,
    isStopped: () => false,
    steps: 'all',
    tracing: noTracing,
  });
}

/** The step is carried out, and then nobody can be told. */
const untold: StepHandlers['rollback'] = async (step) => {
  await handlers.rollback(step);
  throw new ColdpatchError('store_unreachable', 'The database went away.');
};

const numbers = async () => (await listGenerations(image)).map(({ number }) => number);

test.each([undefined, '2'])('delivered twice it goes back once (generation %s)', async (argument) => {
  const id = await ask(argument);
  await deliver(untold);
  expect(readFileSync(image, 'utf8')).toBe('second');
  expect(await findRun(store, id)).toMatchObject({ state: 'queued', error_code: 'store_unreachable' });
  await deliver(handlers.rollback);
  expect(await findRun(store, id)).toMatchObject({ state: 'done' });
  expect(readFileSync(image, 'utf8')).toBe('second');
  expect(await numbers()).toEqual([1, 3]);
  expect((await generationsOfImage(store, imageId)).map(({ number }) => number)).toEqual([1, 3]);
  expect(await findImage(store, imageId)).toMatchObject({ held: 'rolled_back' });
});

test('a generation that went another way is unknown', async () => {
  const id = await ask();
  await deliver(untold);
  writeFileSync(image, 'since written');
  await deliver(handlers.rollback);
  expect(await findRun(store, id)).toMatchObject({ state: 'failed', error_code: 'generation_unknown' });
});

test('whoever lost the run before the exchange changes nothing, and the image is not held', async () => {
  await ask();
  await deliver(async (step) => {
    await requeueRuns(store, { most: 5, failure: { error_code: null, error_message: null } });
    return handlers.rollback(step);
  });
  expect(readFileSync(image, 'utf8')).toBe('third');
  expect(await numbers()).toEqual([1, 2]);
  expect(await findImage(store, imageId)).toMatchObject({ held: null });
});
