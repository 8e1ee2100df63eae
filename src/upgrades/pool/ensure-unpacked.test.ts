import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { PooledPackage } from '../types.ts';
import { ensureUnpacked, type ReadyPackage } from './ensure-unpacked.ts';
import { listUnpackedPackages } from './list-unpacked-packages.ts';
import { poolPath, poolRoot } from './pool-path.ts';
import { prunePool } from './prune-pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'unpacked-'));
const cacheDirectory = join(folder, 'cache');
const hour = 60 * 60 * 1000;
let file: PooledPackage;

beforeAll(() => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    'Package: app\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: x\n',
  );
  writeFileSync(join(tree, 'text'), 'some words '.repeat(10_000));
  const built = join(folder, 'app.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-b', tree, built], { stdio: 'ignore' });
  const bytes = readFileSync(built);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const path = poolPath(poolRoot(cacheDirectory), { name: 'app', sha256 });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  file = { name: 'app', version: '1', architecture: 'all', uri: '', size: bytes.length, sha256, path };
});
afterEach(() => rmSync(join(cacheDirectory, 'pool/unpacked'), { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

async function ensure(given = file): Promise<ReadyPackage> {
  const signal = new AbortController().signal;
  const [ready] = await ensureUnpacked([given], { cacheDirectory, clock: () => new Date(), signal });
  if (ready) return ready;
  throw new Error('one package was asked for');
}

test('a package is unpacked once, with its content', async () => {
  const first = await ensure();
  const bytes = readFileSync(first.path);
  expect(first.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(first.size).toBe(bytes.length);
  expect(bytes.includes('some words some words')).toBe(true);
  for (const option of ['--ctrl-tarfile', '--fsys-tarfile'])
    expect(execFileSync('dpkg-deb', [option, first.path])).toEqual(
      execFileSync('dpkg-deb', [option, file.path]),
    );
  const { ino } = statSync(first.path);
  utimesSync(first.path, 1, 1);
  expect(await ensure()).toEqual(first);
  expect(statSync(first.path).ino).toBe(ino);
  expect(statSync(first.path).mtimeMs).toBeGreaterThan(Date.now() - hour);
  expect(readdirSync(join(cacheDirectory, 'pool/incoming'))).toEqual([]);
});

test('one that was damaged is unpacked again', async () => {
  const first = await ensure();
  const bytes = readFileSync(first.path);
  chmodSync(first.path, 0o644);
  writeFileSync(first.path, Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]));
  expect(await ensure()).toEqual(first);
  expect(readFileSync(first.path)).toEqual(bytes);
});

test('without room it stays packed', async () => {
  expect(await ensure({ ...file, size: 2 ** 50 })).toMatchObject({ path: file.path, sha256: file.sha256 });
  expect(await listUnpackedPackages(cacheDirectory)).toEqual([]);
});

test('what dpkg-deb cannot read is an error, and leaves nothing', async () => {
  const path = join(folder, 'text.deb');
  writeFileSync(path, 'no package');
  await expect(ensure({ ...file, path })).rejects.toMatchObject({ code: 'host_tool_failed' });
  expect(readdirSync(join(cacheDirectory, 'pool/incoming'))).toEqual([]);
});

test('pruning by size takes what is unpacked before its package', async () => {
  const { path } = await ensure();
  const now = new Date(Date.now() + 2 * hour);
  const { removed } = await prunePool({ cacheDirectory, maxBytes: file.size, now });
  expect(removed.files).toBe(1);
  expect(existsSync(path)).toBe(false);
  expect(existsSync(file.path)).toBe(true);
});
