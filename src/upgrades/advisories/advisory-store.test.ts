import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { advisoryDatabase, type AdvisoryStore, openAdvisoryStore } from './advisory-store.ts';
import type { AdvisoryRecord, Statement, VulnerabilityFact } from './types.ts';

let folder: string;
let store: AdvisoryStore;
let now = new Date('2024-06-01T00:00:00Z');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-advisories-'));
  now = new Date('2024-06-01T00:00:00Z');
  store = openAdvisoryStore({ cacheDirectory: folder, now: () => now });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const openssl: Statement = {
  release: 'debian:bookworm',
  package: 'openssl',
  packageKind: 'source',
  vulnerability: 'CVE-2024-0001',
  status: 'fixed',
  fixedVersion: '3.0.11-1',
  severity: 'high',
};

async function* saying(...records: readonly (AdvisoryRecord | Error)[]): AsyncGenerator<AdvisoryRecord> {
  for (const record of records) {
    if (record instanceof Error) throw record;
    yield await Promise.resolve(record);
  }
}

const state = (statement: Statement): AdvisoryRecord => ({ kind: 'statement', statement });
const tell = (fact: VulnerabilityFact): AdvisoryRecord => ({ kind: 'fact', fact });

function replace(source: string, ...records: readonly (AdvisoryRecord | Error)[]) {
  return store.replaceFeed({
    format: 'debian-tracker',
    source,
    revision: 1,
    records: saying(...records),
    seal: () => ({ digest: `digest of ${source}`, etag: '"1"' }),
  });
}

test('keeps every word of a statement, and who said it', async () => {
  const full: Statement = {
    ...openssl,
    packageKind: 'binary',
    advisory: 'DSA-1-1',
    introducedVersion: '3.0',
    lastAffectedVersion: '3.0.10',
    note: 'a note',
  };
  const feed = await replace('one', state(openssl), state(full), tell({ vulnerability: 'CVE-2024-0001' }));
  const provenance = {
    format: 'debian-tracker',
    source: 'one',
    digest: 'digest of one',
    importedAt: '2024-06-01T00:00:00.000Z',
  };
  expect(feed).toEqual({
    ...provenance,
    checkedAt: '2024-06-01T00:00:00.000Z',
    revision: 1,
    etag: '"1"',
    statements: 2,
    facts: 1,
  });
  expect(store.feeds()).toEqual([feed]);
  expect(store.feedFrom('debian-tracker', 'one')).toEqual(feed);
  expect(store.statementsOf('debian:bookworm', 'openssl')).toEqual([
    { statement: openssl, provenance },
    { statement: full, provenance },
  ]);
  expect(store.statementsOf('debian:bullseye', 'openssl')).toEqual([]);
  expect(store.knowsRelease('debian:bookworm')).toBe(true);
  expect(store.knowsRelease('debian:bullseye')).toBe(false);
});

test('is there when it is opened again', async () => {
  await replace('one', state(openssl));
  const again = openAdvisoryStore({ cacheDirectory: folder, now: () => now });
  expect(again.feeds()).toEqual(store.feeds());
  expect(again.statementsOf('debian:bookworm', 'openssl')).toHaveLength(1);
  again.close();
});

test('replaces what the same source said, and nothing else', async () => {
  await replace('one', state(openssl), tell({ vulnerability: 'CVE-1', summary: 'old' }));
  await replace('two', state({ ...openssl, vulnerability: 'CVE-2024-0002' }));
  await replace('one', state({ ...openssl, vulnerability: 'CVE-2024-0003' }));
  const numbers = store
    .statementsOf('debian:bookworm', 'openssl')
    .map(({ statement }) => statement.vulnerability);
  expect(numbers).toEqual(['CVE-2024-0002', 'CVE-2024-0003']);
  expect(store.factOf('CVE-1')).toBeUndefined();
  expect(store.feeds().map(({ source }) => source)).toEqual(['one', 'two']);
});

test.each([
  ['its reader throws', new Error('torn off')],
  ['a name has blanks', state({ ...openssl, package: 'open ssl' })],
  ['a version has a control character', state({ ...openssl, fixedVersion: '1\u001b[2J' })],
  ['a release is none', state({ ...openssl, release: 'bookworm' })],
  ['a fact has no number', tell({ vulnerability: '' })],
])('an import that fails since %s leaves what was there', async (_name, record) => {
  const before = await replace('one', state(openssl));
  await expect(replace('one', state({ ...openssl, vulnerability: 'CVE-2024-0009' }), record)).rejects.toThrow(
    /torn off|Expected/,
  );
  expect(store.feeds()).toEqual([before]);
  expect(store.statementsOf('debian:bookworm', 'openssl').map(({ statement }) => statement)).toEqual([
    openssl,
  ]);
  await replace('one', state(openssl));
  expect(store.feeds()).toEqual([before]);
});

test('nobody reads half of an import, and its end is seen', async () => {
  await replace('one', state(openssl));
  const before = store.version();
  let seen: readonly string[] = [];
  async function* slow(): AsyncGenerator<AdvisoryRecord> {
    yield await Promise.resolve(state({ ...openssl, vulnerability: 'CVE-2024-0002' }));
    seen = store.statementsOf('debian:bookworm', 'openssl').map(({ statement }) => statement.vulnerability);
    yield state({ ...openssl, vulnerability: 'CVE-2024-0003' });
  }
  await store.replaceFeed({
    format: 'debian-tracker',
    source: 'one',
    revision: 1,
    records: slow(),
    seal: () => ({ digest: 'x' }),
  });
  expect(seen).toEqual(['CVE-2024-0001']);
  expect(store.statementsOf('debian:bookworm', 'openssl')).toHaveLength(2);
  expect(store.version()).not.toBe(before);
});

test('several imports at once wait for each other', async () => {
  const sources = ['a', 'b', 'c', 'd'];
  await Promise.all(sources.map((source) => replace(source, state(openssl), state(openssl))));
  expect(store.feeds().map(({ source, statements }) => [source, statements])).toEqual(
    sources.map((source) => [source, 2]),
  );
});

test('joins what feeds say of a vulnerability', async () => {
  await replace(
    'one',
    tell({ vulnerability: 'CVE-1', summary: 'first', exploitedSince: '2024-05-02', severity: 'low' }),
  );
  await replace('two', tell({ vulnerability: 'CVE-1', exploitProbability: 0.25, severity: 'high' }));
  await replace('three', tell({ vulnerability: 'CVE-1', summary: 'newest', exploitedSince: '2024-06-01' }));
  expect(store.factOf('CVE-1')).toEqual({
    vulnerability: 'CVE-1',
    severity: 'high',
    summary: 'newest',
    exploitedSince: '2024-05-02',
    exploitProbability: 0.25,
  });
  expect(store.gradeOf('CVE-1')).toEqual(store.factOf('CVE-1'));
  await replace('four', tell({ vulnerability: 'CVE-2', summary: 'only a summary' }));
  expect(store.gradeOf('CVE-2')).toBeUndefined();
  expect(store.factOf('CVE-3')).toBeUndefined();
});

test('a feed can be confirmed and removed', async () => {
  await replace('one', state(openssl));
  now = new Date('2024-06-02T00:00:00Z');
  expect(await store.confirmFeed('debian-tracker', 'one')).toMatchObject({
    importedAt: '2024-06-01T00:00:00.000Z',
    checkedAt: '2024-06-02T00:00:00.000Z',
  });
  expect(await store.confirmFeed('osv', 'one')).toBeUndefined();
  expect(await store.removeFeed('osv', 'one')).toBe(false);
  expect(await store.removeFeed('debian-tracker', 'one')).toBe(true);
  expect(store.feeds()).toEqual([]);
  expect(store.statementsOf('debian:bookworm', 'openssl')).toEqual([]);
});

test('refuses a database that is newer than this program', () => {
  const other = new DatabaseSync(join(folder, advisoryDatabase));
  other.exec('PRAGMA user_version = 99');
  other.close();
  expect(() => openAdvisoryStore({ cacheDirectory: folder, now: () => now })).toThrow(
    expect.objectContaining({ code: 'file_unreadable', message: expect.stringContaining('version 99') }),
  );
});

test('refuses a file that is no database', () => {
  const elsewhere = join(folder, 'other');
  openAdvisoryStore({ cacheDirectory: elsewhere, now: () => now }).close();
  rmSync(elsewhere, { recursive: true });
  openAdvisoryStore({ cacheDirectory: elsewhere, now: () => now }).close();
  writeFileSync(join(elsewhere, advisoryDatabase), 'this is no database of SQLite'.repeat(100));
  expect(() => openAdvisoryStore({ cacheDirectory: elsewhere, now: () => now })).toThrow(
    expect.objectContaining({ code: 'file_unreadable' }),
  );
});
