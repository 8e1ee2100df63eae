import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addAudit, verifyAudit } from './audit.ts';
import {
  type ListedImage,
  countImages,
  findImage,
  listImages,
  recordPass,
  updateImageRow,
} from './images.ts';
import { migrate } from './migrate.ts';
import { openStore, type Store } from './open-store.ts';
import { findInspection, recordInspection, versionsOfPackage } from './packages.ts';
import { createToken, findCaller, listTokens, revokeToken } from './tokens.ts';

let folder: string;
let store: Store;
let time: Date;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  time = new Date('2026-11-21T00:00:00Z');
  store = openStore(join(folder, 'coldpatch.db'), () => time);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const source = { id: 'lab', kind: 'folder' };
const bash = { manager: 'dpkg', name: 'bash', architecture: 'amd64', version: '5.2' };

function listed(name: string, more: Partial<ListedImage> = {}): ListedImage {
  return {
    locator: `/images/${name}`,
    size: 1,
    modifiedAt: '2026-11-20T00:00:00Z',
    format: 'qcow2',
    backing: [],
    role: 'leaf',
    problem: null,
    ...more,
  };
}

test('only its user can read the database', () => {
  expect(statSync(join(folder, 'coldpatch.db')).mode & 0o777).toBe(0o600);
});

describe('migrations', () => {
  test('run once, and a breaking one of a newer version is refused', () => {
    const path = join(folder, 'coldpatch.db');
    const database = new DatabaseSync(path);
    migrate(database, () => time);
    database.exec("INSERT INTO migrations VALUES (8000, 'harmless', 0, '')");
    migrate(database, () => time);
    database.exec("INSERT INTO migrations VALUES (9999, 'later', 1, '')");
    expect(() => migrate(database, () => time)).toThrow(expect.objectContaining({ code: 'store_newer' }));
    database.close();
  });

  test('one that fails leaves nothing', () => {
    writeFileSync(join(folder, '0001-bad.sql'), 'CREATE TABLE half (x); CREATE TABLE half (x);');
    const database = new DatabaseSync(':memory:');
    expect(() => migrate(database, () => time, folder)).toThrow('already exists');
    expect(database.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    database.close();
  });
});

describe('a pass over a source', () => {
  test('finds what is new, changed, the same and gone', async () => {
    const first = await recordPass(store, source, [listed('a'), listed('b'), listed('c')]);
    expect(first).toMatchObject({ added: 3, changed: 0, gone: 0 });
    const second = await recordPass(store, source, [listed('a'), listed('b', { size: 2 }), listed('d')]);
    expect(second).toMatchObject({ added: 1, changed: 1, unchanged: 1, gone: 1 });
    expect(second.due).toHaveLength(2);
    const back = await recordPass(store, source, [
      listed('a'),
      listed('b', { size: 2 }),
      listed('c'),
      listed('d'),
    ]);
    expect(back).toMatchObject({ added: 0, changed: 1, unchanged: 3, gone: 0 });
  });

  test('a changed backing file makes every image on it due', async () => {
    const base = listed('base', { role: 'base' });
    const overlay = listed('o', { backing: [base.locator] });
    await recordPass(store, source, [base, overlay]);
    const { due } = await recordPass(store, source, [{ ...base, size: 9 }, overlay]);
    expect(due).toHaveLength(2);
  });

  test('listing pages, filters and hides other sources', async () => {
    await recordPass(store, source, [listed('a'), listed('b'), listed('c_%')]);
    const page = await listImages(store, {}, { limit: 2 });
    const rest = await listImages(store, {}, { limit: 2, after: page[1]?.id });
    expect(new Set([...page, ...rest].map(({ id }) => id)).size).toBe(3);
    expect(await listImages(store, { search: '_%' }, { limit: 9 })).toHaveLength(1);
    expect(await listImages(store, { sources: ['other'] }, { limit: 9 })).toEqual([]);
    expect(await listImages(store, { sources: [] }, { limit: 9 })).toEqual([]);
    const [row] = page;
    await updateImageRow(store, row?.id ?? '', { outdated: 4 });
    expect(await findImage(store, row?.id ?? '')).toMatchObject({ outdated: 4, revision: 2 });
    expect(await listImages(store, { outdated: true }, { limit: 9 })).toHaveLength(1);
    expect(await countImages(store)).toMatchObject({ all: 3, outdated: 1 });
  });
});

test('images share the rows of equal packages, and are found by them', async () => {
  const { due } = await recordPass(store, source, [listed('a'), listed('b')]);
  const more = { ...bash, version: '5.1' };
  const ids = [
    await recordInspection(store, { digest: 'one', document: '{}', packages: [bash, bash] }),
    await recordInspection(store, { digest: 'two', document: '{}', packages: [bash, more] }),
  ];
  expect(await recordInspection(store, { digest: 'two', document: '{"n":1}', packages: [bash, more] })).toBe(
    ids[1],
  );
  expect(await findInspection(store, { digest: 'two' })).toEqual({ id: ids[1], document: '{"n":1}' });
  for (const [index, id] of due.entries())
    await updateImageRow(store, id, { inspection_id: ids[index] ?? 0 });
  const versions = await versionsOfPackage(store, 'bash');
  expect(versions.map(({ version }) => version).toSorted()).toEqual(['5.1', '5.2']);
  const old = versions.filter(({ version }) => version === '5.1').map(({ id }) => id);
  expect(await listImages(store, { packageIds: old }, { limit: 9 })).toHaveLength(1);
  expect(await listImages(store, { packageIds: versions.map(({ id }) => id) }, { limit: 9 })).toHaveLength(2);
  expect(await listImages(store, { packageIds: [] }, { limit: 9 })).toEqual([]);
});

describe('tokens', () => {
  test('are kept as a hash, expire, and can be revoked', async () => {
    const { token, id } = await createToken(store, {
      name: 'ci',
      role: 'operator',
      sources: ['lab'],
      expiresAt: '2026-11-22T00:00:00.000Z',
    });
    expect(JSON.stringify(await store.db.selectFrom('tokens').selectAll().execute())).not.toContain(
      token.split('.')[2],
    );
    expect(JSON.stringify(await listTokens(store))).not.toContain('hash');
    expect(await findCaller(store, token)).toMatchObject({ name: 'ci', role: 'operator', sources: ['lab'] });
    expect(
      await findCaller(store, `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`),
    ).toBeUndefined();
    time = new Date('2026-11-23T00:00:00Z');
    expect(await findCaller(store, token)).toBeUndefined();
    time = new Date('2026-11-21T00:00:00Z');
    expect(await revokeToken(store, id)).toBe(true);
    expect(await revokeToken(store, 'none')).toBe(false);
    expect(await findCaller(store, token)).toBeUndefined();
  });
});

describe('the audit log', () => {
  beforeEach(async () => {
    for (const object of ['a', 'b', 'c'])
      await addAudit(store, { actor: 'x', action: 'run.start', object, detail: '' });
  });

  test('verifies, also against a hash kept elsewhere', async () => {
    const head = await verifyAudit(store);
    expect(head.entries).toBe(3);
    expect(await verifyAudit(store, head.hash)).toEqual(head);
    await expect(verifyAudit(store, 'f'.repeat(64))).rejects.toMatchObject({ code: 'audit_broken' });
  });

  test('refuses changes, and notices those made past it', async () => {
    const database = new DatabaseSync(join(folder, 'coldpatch.db'));
    expect(() => database.exec("UPDATE audit SET actor = 'y'")).toThrow('only ever added to');
    database.exec("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'y' WHERE sequence = 2");
    database.close();
    await expect(verifyAudit(store)).rejects.toMatchObject({ code: 'audit_broken' });
  });
});
