import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultConfig } from '../../config/default-config.ts';
import { serverSchema } from '../../config/server-schema.ts';
import { interrupted } from '../../jobs/carry-out.ts';
import type { StepContext } from '../../jobs/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { listImages, recordPass, type StoredImage, updateImageRow } from '../../store/images.ts';
import { openStore, type Store } from '../../store/open-store.ts';
import type { StoredRun } from '../../store/runs.ts';
import { inspectStoredImage } from './inspect-stored-image.ts';
import { lookAgain } from './look-again.ts';
import type { ServerContext } from './server-context.ts';

let folder: string;
let store: Store;
let server: ServerContext;
let events: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'look-again-'));
  store = openStore(join(folder, 'db'), () => new Date('2026-11-21T00:00:00Z'));
  events = [];
  const locator = join(folder, 'a.raw');
  writeFileSync(locator, Buffer.alloc(4096, 1));
  const file = { size: 1, modifiedAt: '', format: 'raw', backing: [], role: 'leaf', problem: null } as const;
  await recordPass(store, { id: 'lab', kind: 'folder' }, [{ ...file, locator }]);
  const settings = serverSchema.parse({ sources: [{ id: 'lab', kind: 'folder', directory: folder }] });
  const config = { ...defaultConfig({ environment: {}, isRoot: false }), cacheDirectory: folder };
  server = { config, settings, store };
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function image(): Promise<StoredImage> {
  const [found] = await listImages(store, {}, { limit: 1 });
  if (!found) throw new Error('Expected an image.');
  return found;
}

async function look(reason: ColdpatchError): Promise<void> {
  const [source] = server.settings.sources;
  const found = await image();
  await updateImageRow(store, found.id, { digest: 'before', matched_at: 'before' });
  const step: StepContext = {
    run: {} as StoredRun,
    fencingToken: '',
    signal: AbortSignal.abort(reason),
    report: async (kind, detail) => void events.push({ kind, ...detail }),
    enter: async () => undefined,
    assertHeld: async () => undefined,
  };
  if (source) await lookAgain(server, step, { image: found, source });
}

test('whoever cancels after the promotion does not undo it: the image is read by the next pass', async () => {
  await look(interrupted('somebody cancelled the run'));
  expect(events).toMatchObject([{ kind: 'not_compared', code: 'interrupted' }]);
  expect(await image()).toMatchObject({ digest: null, matched_at: null });
});

test('whoever lost the run writes nothing', async () => {
  await expect(look(new ColdpatchError('run_fenced', 'lost'))).rejects.toMatchObject({ code: 'run_fenced' });
  expect(await image()).toMatchObject({ digest: 'before', matched_at: 'before' });
});

test('an image that is replaced between its digest and its inspection is not known by that digest', async () => {
  const found = await image();
  const other = join(folder, 'other');
  writeFileSync(other, Buffer.alloc(4096, 2));
  let replaced = false;
  // The first question to the database is whether the digest is known.
  const replacing: Store = {
    ...store,
    get db() {
      if (!replaced) renameSync(other, found.locator);
      replaced = true;
      return store.db;
    },
  };
  const signal = new AbortController().signal;
  const inspected = inspectStoredImage({ ...server, store: replacing }, found, signal);
  await expect(inspected).rejects.toMatchObject({ code: 'image_changed' });
  expect(await store.db.selectFrom('inspections').select('id').execute()).toEqual([]);
});
