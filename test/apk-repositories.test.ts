import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memoryTree } from '../src/guest/fixtures/memory-filesystem.ts';
import type { RecordedPackage } from '../src/guest/package-managers/types.ts';
import type { ErrorCode } from '../src/lib/errors.ts';
import { findNewer } from '../src/upgrades/find-newer.ts';
import { exportPool } from '../src/upgrades/pool/export-pool.ts';
import { importPool } from '../src/upgrades/pool/import-pool.ts';
import type { FindNewerOptions, NewerSet } from '../src/upgrades/repositories/types.ts';
import {
  type ApkListOptions,
  type ApkSigningKey,
  apkIndex,
  makeApkKey,
  makeApkList,
} from './support/apk-repository.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { type RepositoryServer, serve } from './support/signed-repository.ts';

const hour = 60 * 60 * 1000;
const inHours = (count: number): Date => new Date(Date.now() + count * hour);

let workshop: string;
let key: ApkSigningKey;
let otherKey: ApkSigningKey;
let server: RepositoryServer;
let directory: string;

beforeAll(() => {
  workshop = mkdtempSync(join(tmpdir(), 'cp-apk-keys-'));
  key = makeApkKey(workshop, 'builder@example.org-1.rsa.pub');
  otherKey = makeApkKey(workshop, 'other@example.org-2.rsa.pub');
});

afterAll(() => rmSync(workshop, { recursive: true }));

beforeEach(async () => {
  server = await serve();
  directory = mkdtempSync(join(tmpdir(), 'cp-apk-'));
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const published = apkIndex([
  { name: 'musl', version: '1.2.5-r1' },
  { name: 'musl', version: '1.2.5-r10' },
  { name: 'zlib', version: '1.3.1_rc2-r0' },
  { name: 'scripts', version: '3-r0', architecture: 'noarch', origin: 'tools' },
  { name: 'elsewhere', version: '9-r0' },
]);

const installed: readonly RecordedPackage[] = [
  { name: 'musl', version: '1.2.5-r9', architecture: 'x86_64', manager: 'apk' },
  { name: 'zlib', version: '1.3.1-r0', architecture: 'x86_64', manager: 'apk' },
  { name: 'scripts', version: '2-r7', architecture: 'x86_64', manager: 'apk' },
];

const upgrades = [
  ['musl', 'x86_64', '1.2.5-r9', '1.2.5-r10'],
  ['scripts', 'x86_64', '2-r7', '3-r0'],
];

interface Changed extends Partial<FindNewerOptions> {
  readonly files?: Readonly<Record<string, string>>;
}

function find({ files = {}, ...changed }: Changed = {}): Promise<NewerSet> {
  return findNewer('apk', {
    tree: memoryTree({
      'etc/apk/repositories': `# mirrors\n${server.uri}v3.20/main\n`,
      [`etc/apk/keys/${key.name}`]: key.publicKey,
      ...files,
    }),
    operatingSystem: { id: 'alpine', versionId: '3.20.1', architecture: 'x86_64' },
    installed,
    cacheDirectory: join(directory, 'cache'),
    workDirectory: directory,
    clock: () => new Date(),
    ...changed,
  });
}

const list = (more: Partial<ApkListOptions> = {}): Buffer =>
  makeApkList(directory, { text: published, key, ...more });
const unsigned = (text = published): Buffer => makeApkList(directory, { text });

function serveList(bytes: Buffer): void {
  server.files = new Map([['v3.20/main/x86_64/APKINDEX.tar.gz', bytes]]);
}

async function expectError(attempt: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
}

const newerOf = (found: NewerSet): unknown[] =>
  found.newer.map(({ name, architecture, from, to }) => [name, architecture, from, to]);

describe('a signed list', () => {
  test.each(['RSA', 'RSA256'] as const)('is read: %s', async (kind) => {
    const date = new Date('2026-01-02T03:04:05Z');
    serveList(list({ kind, date }));
    const found = await find();
    expect(newerOf(found)).toEqual(upgrades);
    expect(found).toMatchObject({
      skipped: [],
      doubts: [],
      repositories: [
        { uri: `${server.uri}v3.20/main/`, suite: 'x86_64', date: date.toISOString(), validUntil: null },
      ],
    });
  });

  test('is not fetched again when nothing changed, not asked at all offline, and can be repeated', async () => {
    serveList(list());
    const { repositories } = await find();
    expect(newerOf(await find())).toEqual(upgrades);
    expect(server.requests.map(({ status }) => status)).toEqual([200, 304]);
    serveList(list({ text: apkIndex([]) }));
    expect(newerOf(await find())).toEqual([]);
    server.files = new Map();
    expect(newerOf(await find({ offline: true }))).toEqual([]);
    expect(newerOf(await find({ pinned: repositories }))).toEqual(upgrades);
    const cacheDirectory = join(directory, 'empty');
    await expectError(find({ offline: true, cacheDirectory }), 'repository_unreachable', /never was/);
  });

  test('goes with the pool to a host without a network', async () => {
    serveList(list());
    await find();
    const archive = join(directory, 'pool.tar');
    const cacheDirectory = join(directory, 'away');
    await exportPool({ cacheDirectory: join(directory, 'cache'), target: archive });
    await importPool({ cacheDirectory, source: archive });
    expect(newerOf(await find({ cacheDirectory, offline: true }))).toEqual(upgrades);
  });

  test('that the operator names replaces those of the image, and may be a folder', async () => {
    mkdirSync(join(directory, 'mirror/x86_64'), { recursive: true });
    writeFileSync(join(directory, 'mirror/x86_64/APKINDEX.tar.gz'), list({ key: otherKey }));
    writeFileSync(join(directory, 'any.pem'), otherKey.publicKey);
    const line = `apk file://${directory}/mirror key=${directory}/any.pem`;
    expect(newerOf(await find({ repositories: [line] }))).toEqual(upgrades);
    await expectError(
      find({ repositories: [line.replace(/ key=.*/, '')] }),
      'repository_signature',
      /not among/,
    );
    await expectError(find({ repositories: ['rpm-md a http://x/'] }), 'sources_invalid', /apk URL/);
    const wrong = `apk file://${directory}/mirror key=${directory}/mirror/x86_64/APKINDEX.tar.gz`;
    await expectError(find({ repositories: [wrong] }), 'sources_invalid', /RSA public key/);
  });

  test('sources of the image that cannot be used are told, and so is what it asks for in a certain version', async () => {
    serveList(list());
    const found = await find({
      files: {
        'etc/apk/repositories': `/media/cdrom/apks\n${server.uri}v3.20/main\n@edge ${server.uri}edge/main\nftp://x/y\n`,
        'etc/apk/world': 'alpine-base musl=1.2.5-r9\n',
      },
    });
    expect(newerOf(found)).toEqual(upgrades);
    expect(found.skipped.map(({ where }) => where.split(':')[1])).toEqual(['1', '3', '4']);
    expect(found.doubts).toEqual([{ where: '/etc/apk/world', reason: '"musl=1.2.5-r9" is not followed' }]);
    await expectError(find({ files: { 'etc/apk/repositories': '/media/x\n' } }), 'sources_missing', /folder/);
  });
});

describe('refused', () => {
  test('a list that is not signed, unless it is allowed', async () => {
    serveList(unsigned());
    await expectError(find(), 'repository_unsigned', /--allow-unsigned/);
    const found = await find({ allowUnsigned: true });
    expect(newerOf(found)).toEqual(upgrades);
    expect(found.doubts).toEqual([{ where: expect.any(String), reason: expect.stringMatching(/nobody/) }]);
  });

  test('a large list that is not signed', async () => {
    serveList(
      unsigned(apkIndex(Array.from({ length: 5000 }, (_, i) => ({ name: `p${i}`, version: '1-r0' })))),
    );
    await expectError(find(), 'repository_unsigned', /--allow-unsigned/);
  });

  test('a signature by another key, also one of the same name', async () => {
    serveList(list({ key: otherKey }));
    await expectError(find(), 'repository_signature', /not among/);
    serveList(list({ key: { ...otherKey, name: key.name } }));
    await expectError(find(), 'repository_signature', /is not what the key/);
    await expectError(find({ allowUnsigned: true }), 'repository_signature', /is not what the key/);
  });

  test.each([
    [
      'with one other byte',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 30 ? byte ^ 1 : byte))),
    ],
    ['whose end is missing', (bytes: Buffer) => bytes.subarray(0, -20)],
    ['with another list behind it', (bytes: Buffer) => Buffer.concat([bytes, unsigned()])],
  ])('a list %s', async (_, alter) => {
    serveList(alter(list()));
    await expectError(find(), 'repository_signature', /is not what the key/);
  });

  test.each([
    ['nothing', Buffer.alloc(0), /gzip file/],
    ['something else', Buffer.from('<html>'.repeat(10)), /gzip file/],
    ['the beginning of its signature', 'cut', /gzip file/],
    ['a gzip file that is no archive', gzipSync('x'.repeat(2000)), /tar archive/],
  ] as const)('%s in place of a list', async (_, bytes, words) => {
    serveList(bytes === 'cut' ? list().subarray(0, 60) : bytes);
    await expectError(find(), 'repository_corrupt', words);
  });

  test('an older state than was seen before, and one from the future', async () => {
    const older = list({ text: apkIndex([]), date: inHours(-5) });
    serveList(list({ date: inHours(-2) }));
    await find();
    serveList(older);
    await expectError(find(), 'repository_stale', /replays an old state/);
    expect(newerOf(await find({ allowStale: true }))).toEqual([]);
    await expectError(find(), 'repository_stale', /replays an old state/);
    serveList(list({ date: inHours(30) }));
    await expectError(find(), 'repository_stale', /Check the clock/);
  });

  test('a list without an end', async () => {
    serveList(Buffer.alloc(33 * 1024 * 1024));
    await expectError(find(), 'repository_too_large', /at most 33554432 bytes/);
  });

  test.each([
    ['an endless line', `P:${'a'.repeat(3_000_000)}`, 'repository_too_large', /in one line/],
    ['an odd name', 'P:../../x\nV:1\nA:x86_64\n\n', 'repository_corrupt', /name and version/],
    ['lines of another form', 'hello\n', 'repository_corrupt', /a letter and a colon/],
  ] as const)('a list with %s, although it is signed', async (_, text, code, words) => {
    serveList(list({ text }));
    await expectError(find(), code, words);
  });

  test('a server without the list', async () => {
    await expectError(find(), 'repository_unreachable', /ends before the architecture/);
  });
});

test('an image is scanned by the command line', async () => {
  const tree = join(directory, 'tree');
  const entry = (name: string, version: string, origin: string): string =>
    `C:Q1abcdefghijklmnopqrstuvwxyz0=\nP:${name}\nV:${version}\nA:x86_64\no:${origin}\n\n`;
  const files = {
    'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME="Alpine Linux v3.20"\n',
    'etc/fstab': '/dev/sda / ext4 defaults 0 1\n',
    'etc/apk/repositories': `${server.uri}v3.20/main\n`,
    [`etc/apk/keys/${key.name}`]: key.publicKey,
    'lib/apk/db/installed':
      entry('alpine-baselayout', '3-r0', 'alpine-baselayout') +
      entry('scripts', '2-r7', 'tools') +
      entry('musl', '1.2.5-r10', 'musl'),
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  const image = join(directory, 'image.raw');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '32M']);
  serveList(list());
  const scan = await runColdpatch({
    args: ['scan', image, '--image-format', 'raw', '--json', '--cache', join(directory, 'cache')],
  });
  expect(scan.stderr).not.toMatch(/error/);
  expect(JSON.parse(scan.stdout)).toMatchObject({
    operatingSystem: { id: 'alpine', architecture: 'x86_64' },
    packages: [{ name: 'scripts', manager: 'apk', source: 'tools', available: '3-r0', changesKnown: false }],
    summary: { lagging: 1 },
    unknown: [
      { where: 'advisories' },
      { where: 'upgrade', detail: expect.stringMatching(/was not solved/) },
      { where: 'changes', detail: expect.stringMatching(/only advisories can/) },
    ],
    repositories: [{ suite: 'x86_64' }],
    gaps: [],
  });
});
