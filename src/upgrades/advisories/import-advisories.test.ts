import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdvisoryStore, openAdvisoryStore } from './advisory-store.ts';
import { type ImportProgress, importAdvisories } from './import-advisories.ts';
import { advisoryFormatOf } from './registry.ts';

let folder: string;
let store: AdvisoryStore;
const format = advisoryFormatOf('debian-tracker');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-advisories-'));
  store = openAdvisoryStore({ cacheDirectory: join(folder, 'cache'), now: () => new Date('2024-06-01') });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

function feedOf(...numbers: readonly string[]): string {
  const releases = { bookworm: { status: 'open', urgency: 'low', repositories: {} } };
  return JSON.stringify({ curl: Object.fromEntries(numbers.map((number) => [number, { releases }])) });
}

function stored(): readonly string[] {
  return store.statementsOf('debian:bookworm', 'curl').map(({ statement }) => statement.vulnerability);
}

function write(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function withServer<T>(listener: RequestListener, work: (address: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('imports a packed file, with its digest, and tells how far it is', async () => {
  const packed = gzipSync(feedOf('CVE-2024-0001', 'CVE-2024-0002'));
  const source = write('tracker.json.gz', packed);
  const progress: ImportProgress[] = [];
  const result = await importAdvisories({ store, format, source, onProgress: (step) => progress.push(step) });
  expect(result).toEqual({
    isChanged: true,
    feed: {
      format: 'debian-tracker',
      source,
      revision: format.revision,
      digest: createHash('sha256').update(packed).digest('hex'),
      importedAt: '2024-06-01T00:00:00.000Z',
      checkedAt: '2024-06-01T00:00:00.000Z',
      statements: 2,
      facts: 0,
    },
  });
  expect(stored()).toEqual(['CVE-2024-0001', 'CVE-2024-0002']);
  expect(progress).toEqual([{ bytes: packed.length, totalBytes: packed.length, records: 0 }]);
});

test('a new import of the same file takes the place of the old, and a bad one does not', async () => {
  const source = write('tracker.json', feedOf('CVE-2024-0001'));
  await importAdvisories({ store, format, source });
  write('tracker.json', feedOf('CVE-2024-0002'));
  const { feed } = await importAdvisories({ store, format, source });
  expect(stored()).toEqual(['CVE-2024-0002']);
  for (const bad of [feedOf('CVE-2024-0003').slice(0, -2), '', '{"curl": {"CVE-1": 1}}', 'PK\x03\x04zip']) {
    write('tracker.json', bad);
    await expect(importAdvisories({ store, format, source })).rejects.toThrow(
      expect.objectContaining({ code: 'advisories_invalid' }),
    );
    expect(stored()).toEqual(['CVE-2024-0002']);
    expect(store.feeds()).toEqual([feed]);
  }
});

test('refuses what is larger than allowed, packed or plain', async () => {
  const source = write(
    'tracker.json.gz',
    gzipSync(feedOf(...Array.from({ length: 999 }, (_, n) => `CVE-2024-${n}`))),
  );
  const invalid = expect.objectContaining({ code: 'advisories_invalid' });
  await expect(importAdvisories({ store, format, source, maximumBytes: 100 })).rejects.toThrow(invalid);
  await expect(importAdvisories({ store, format, source, maximumPlainBytes: 10_000 })).rejects.toThrow(
    invalid,
  );
  expect(store.feeds()).toEqual([]);
});

test('refuses bytes after a packed file', async () => {
  const source = write(
    'tracker.json.gz',
    Buffer.concat([gzipSync(feedOf('CVE-1')), Buffer.alloc(3_000_000, 1)]),
  );
  await expect(importAdvisories({ store, format, source })).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

test('names what is no file', async () => {
  const code = (name: string): unknown => expect.objectContaining({ code: name });
  await expect(importAdvisories({ store, format, source: join(folder, 'nothing') })).rejects.toThrow(
    code('file_not_found'),
  );
  await expect(importAdvisories({ store, format, source: folder })).rejects.toThrow(code('file_unreadable'));
});

test('downloads only what has changed', async () => {
  let etag = '"1"';
  const asked: (string | undefined)[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request.headers['if-none-match']);
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag }).end(feedOf(`CVE-2024-${etag.slice(1, -1)}`));
  };
  await withServer(listener, async (address) => {
    const source = `${address}/tracker.json`;
    expect(await importAdvisories({ store, format, source })).toMatchObject({
      isChanged: true,
      feed: { etag },
    });
    expect(await importAdvisories({ store, format, source })).toMatchObject({
      isChanged: false,
      feed: { source },
    });
    expect(stored()).toEqual(['CVE-2024-1']);
    etag = '"2"';
    await importAdvisories({ store, format, source });
    expect(stored()).toEqual(['CVE-2024-2']);
    const newer = { ...format, revision: format.revision + 1 };
    expect(await importAdvisories({ store, format: newer, source })).toMatchObject({ isChanged: true });
    expect(asked).toEqual([undefined, '"1"', '"1"', undefined]);
  });
});

test('a download that ends early or was never there changes nothing', async () => {
  const listener: RequestListener = (request, response) => {
    if (request.url !== '/torn') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': 1000 });
    response.write(feedOf('CVE-1').slice(0, 50), () => response.destroy());
  };
  await withServer(listener, async (address) => {
    for (const path of ['torn', 'missing']) {
      await expect(importAdvisories({ store, format, source: `${address}/${path}` })).rejects.toThrow(
        expect.objectContaining({ code: 'repository_unreachable' }),
      );
    }
  });
  expect(store.feeds()).toEqual([]);
});

test('can be ended from outside', async () => {
  const source = write('tracker.json', feedOf('CVE-1'));
  await expect(importAdvisories({ store, format, source, signal: AbortSignal.abort() })).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  );
  expect(store.feeds()).toEqual([]);
});
