import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { xz } from '@napi-rs/lzma';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../src/lib/errors.ts';
import { findUpgrades } from '../src/upgrades/find-upgrades.ts';
import { ensurePackages } from '../src/upgrades/pool/ensure-packages.ts';
import { exportPool } from '../src/upgrades/pool/export-pool.ts';
import { importPool } from '../src/upgrades/pool/import-pool.ts';
import { listKeptFiles } from '../src/upgrades/pool/list-kept-files.ts';
import { prunePool } from '../src/upgrades/pool/prune-pool.ts';
import { verifyPool } from '../src/upgrades/pool/verify-pool.ts';
import type { FindUpgradesOptions } from '../src/upgrades/repositories/types.ts';
import type { PackageFile, UpgradeSet } from '../src/upgrades/types.ts';
import { usedRepositories } from '../src/upgrades/used-repositories.ts';
import {
  openWorkshop,
  type PublishedPackage,
  publish,
  type RepositoryServer,
  type SigningKey,
  serve,
  sha256,
  type Workshop,
} from './support/signed-repository.ts';

const hour = 60 * 60 * 1000;
const inHours = (count: number): Date => new Date(Date.now() + count * hour);

let workshop: Workshop;
let key: SigningKey;
let otherKey: SigningKey;
let packages: Readonly<Record<'old' | 'app' | 'library', PublishedPackage>>;
let server: RepositoryServer;
let directory: string;

beforeAll(() => {
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  otherKey = workshop.makeKey('Other <other@example.org>');
  packages = {
    old: workshop.makePackage({ Package: 'app', Version: '1.0-1' }),
    app: workshop.makePackage({ Package: 'app', Version: '2.0-1', Depends: 'library (>= 1)' }),
    library: workshop.makePackage({
      Package: 'library',
      Version: '1.0',
      Architecture: 'all',
      'Installed-Size': '7',
    }),
  };
});

afterAll(() => workshop.end());

beforeEach(async () => {
  server = await serve();
  directory = mkdtempSync(join(tmpdir(), 'cp-upgrades-'));
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function status(...entries: readonly Readonly<Record<string, string>>[]): Buffer {
  const text = entries.map((fields) => {
    const all = {
      Status: 'install ok installed',
      Architecture: 'amd64',
      Maintainer: 'x',
      Description: 'x',
      ...fields,
    };
    return Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join('');
  });
  return Buffer.from(`${text.join('\n')}\n`);
}

const installedApp = { Package: 'app', Version: '1.0-1' };

function find(
  changed: Partial<FindUpgradesOptions> & { readonly sources?: string } = {},
): Promise<UpgradeSet> {
  const { sources = `deb ${server.uri} stable main`, ...options } = changed;
  return findUpgrades({
    aptConfiguration: {
      sourceFiles: [{ path: '/etc/apt/sources.list', text: sources }],
      preferenceFiles: [],
      keyrings: [{ path: '/etc/apt/trusted.gpg.d/example.gpg', bytes: key.publicKey }],
      settings: {},
      gaps: [],
    },
    dpkgStatus: status(installedApp),
    architecture: 'amd64',
    foreignArchitectures: [],
    cacheDirectory: join(directory, 'cache'),
    workDirectory: directory,
    clock: () => new Date(),
    ...options,
  });
}

async function expectError(attempt: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
}

const all = (): PublishedPackage[] => Object.values(packages);
const changesOf = (found: UpgradeSet): unknown[] =>
  found.changes.map(({ name, architecture, from, to }) => [name, architecture, from, to]);

const upgradeOfApp = [
  ['library', 'all', null, '1.0'],
  ['app', 'amd64', '1.0-1', '2.0-1'],
];

describe('a signed repository', () => {
  test.each([{ form: 'inline' }, { form: 'detached' }, { byHash: true }, { withoutPlain: true }] as const)(
    'is read: %o',
    async (options) => {
      server.files = await publish(key, { packages: all(), validUntil: inHours(1), ...options });
      const found = await find();
      expect(changesOf(found)).toEqual(upgradeOfApp);
      expect(found.skipped).toEqual([]);
      const [entry] = found.snapshot.entries;
      expect(entry).toMatchObject({ suite: 'stable', component: 'main', architecture: 'amd64' });
      expect(sha256(readFileSync(entry?.packagesPath ?? ''))).toBe(entry?.indexDigest);
    },
  );

  test('says where each package is, its size and its digest', async () => {
    server.files = await publish(key, { packages: all() });
    const [library] = (await find()).changes;
    expect(library).toMatchObject({
      file: {
        uri: `${server.uri}${packages.library.path}`,
        size: packages.library.bytes.length,
        sha256: sha256(packages.library.bytes),
      },
      installedSize: 7168,
      suite: 'stable',
    });
  });

  test('is not fetched again when nothing changed, and not asked at all offline', async () => {
    server.files = await publish(key, { packages: all() });
    await find();
    const before = server.requests.length;
    expect(changesOf(await find())).toEqual(upgradeOfApp);
    expect(server.requests.slice(before).map(({ path, status }) => [path, status])).toEqual([
      ['dists/stable/InRelease', 304],
    ]);
    server.files = new Map();
    expect(changesOf(await find({ offline: true }))).toEqual(upgradeOfApp);
    expect(server.requests.length).toBe(before + 1);
  });

  test('has one cache of the solver, for runs at the same time and for those after them', async () => {
    server.files = await publish(key, { packages: all() });
    const at = (hours: number): Promise<UpgradeSet> => find({ clock: () => inHours(hours) });
    const caches = (): readonly bigint[] =>
      globSync(join(directory, 'cache/metadata/apt/*/srcpkgcache.bin')).map(
        (path) => statSync(path, { bigint: true }).ino,
      );
    await at(0);
    const made = caches();
    expect(made).toHaveLength(1);
    for (const found of await Promise.all([1, 2, 3, 4, 5, 6].map(at)))
      expect(changesOf(found)).toEqual(upgradeOfApp);
    expect(caches()).toEqual(made);
  });

  test('that was never fetched cannot be used offline', async () => {
    await expectError(find({ offline: true }), 'repository_unreachable', /never was/);
  });

  test('is fetched again when its list in the cache was damaged', async () => {
    server.files = await publish(key, { packages: all() });
    const path = (await find()).snapshot.entries[0]?.packagesPath ?? '';
    truncateSync(path, 10);
    expect(changesOf(await find())).toEqual(upgradeOfApp);
    expect(sha256(readFileSync(path))).toBe(path.slice(-64));
  });

  test.each([
    [
      'an armoured keyring',
      () => [{ path: '/k.asc', bytes: Buffer.from(key.armoredKey) }],
      '[signed-by=/k.asc] ',
    ],
    [
      'a fingerprint',
      () => [{ path: '/etc/apt/trusted.gpg', bytes: key.publicKey }],
      () => `[signed-by=${key.fingerprint}] `,
    ],
  ])('may be named with %s', async (_, keyrings, option) => {
    server.files = await publish(key, { packages: all() });
    const sources = `deb ${typeof option === 'string' ? option : option()}${server.uri} stable main`;
    const base = {
      sourceFiles: [{ path: '/etc/apt/sources.list', text: sources }],
      preferenceFiles: [],
      settings: {},
      gaps: [],
    };
    expect(changesOf(await find({ aptConfiguration: { ...base, keyrings: keyrings() } }))).toEqual(
      upgradeOfApp,
    );
  });

  test('may bring its key inside a deb822 source', async () => {
    server.files = await publish(key, { packages: all() });
    const block = key.armoredKey.trimEnd().replace(/^$/gm, '.').replace(/^/gm, ' ');
    const text = `Types: deb\nURIs: ${server.uri}\nSuites: stable\nComponents: main\nSigned-By:\n${block}\n`;
    const sourceFiles = [{ path: '/etc/apt/sources.list.d/example.sources', text }];
    const base = { sourceFiles, preferenceFiles: [], keyrings: [], settings: {}, gaps: [] };
    expect(changesOf(await find({ aptConfiguration: base }))).toEqual(upgradeOfApp);
  });

  test('may be flat', async () => {
    const stable = await publish(key, { packages: all() });
    const list = stable.get('dists/stable/main/binary-amd64/Packages') ?? Buffer.alloc(0);
    const text = `Date: ${new Date().toUTCString()}\nSHA256:\n ${sha256(list)} ${list.length} Packages\n`;
    server.files = new Map([...stable, ['flat/InRelease', key.clearsign(text)], ['flat/Packages', list]]);
    expect(changesOf(await find({ sources: `deb ${server.uri} flat/` }))).toEqual(upgradeOfApp);
  });

  test('that the operator names replaces those of the image, and may be a folder', async () => {
    for (const [path, bytes] of await publish(key, { packages: all() })) {
      const target = join(directory, 'mirror', path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, bytes);
    }
    const repositories = [`file:${directory}/mirror stable main`];
    const found = await find({ sources: 'deb http://127.0.0.1:1/ nowhere main', repositories });
    expect(changesOf(found)).toEqual(upgradeOfApp);
  });

  test('that lacks a component is reported as skipped', async () => {
    server.files = await publish(key, { packages: all() });
    const found = await find({ sources: `deb ${server.uri} stable main contrib` });
    expect(found.skipped).toEqual([
      { where: `${server.uri} stable`, reason: expect.stringMatching(/^contrib, amd64: .*no list/) },
    ]);
  });

  test('is followed through redirects', async () => {
    server.files = await publish(key, { packages: all() });
    const signed = server.files.get('dists/stable/InRelease') ?? Buffer.alloc(0);
    server.files.delete('dists/stable/InRelease');
    server.files.set('elsewhere', signed);
    server.redirects.set('dists/stable/InRelease', '/elsewhere');
    expect(changesOf(await find())).toEqual(upgradeOfApp);
  });
});

describe('refused', () => {
  test('a repository signed with a key that the image does not trust', async () => {
    server.files = await publish(otherKey, { packages: all() });
    await expectError(find(), 'repository_signature', /is not among those that may sign/);
  });

  test('a repository signed with another key than Signed-By names', async () => {
    server.files = await publish(key, { packages: all() });
    const sources = `deb [signed-by=${otherKey.fingerprint}] ${server.uri} stable main`;
    await expectError(find({ sources }), 'repository_signature', /not one that Signed-By names/);
  });

  test('a repository of which the keyring is missing', async () => {
    server.files = await publish(key, { packages: all() });
    const sources = `deb [signed-by=/etc/apt/keyrings/gone.gpg] ${server.uri} stable main`;
    await expectError(find({ sources }), 'repository_signature', /gone\.gpg/);
  });

  test('a key that has expired', async () => {
    const expired = workshop.makeKey('Old <old@example.org>', {
      fakedTime: '20200101T000000',
      expires: '1d',
    });
    server.files = await publish(expired, { packages: all() });
    const sources = `deb [signed-by=/k.gpg] ${server.uri} stable main`;
    const aptConfiguration = {
      sourceFiles: [{ path: '/etc/apt/sources.list', text: sources }],
      preferenceFiles: [],
      keyrings: [{ path: '/k.gpg', bytes: expired.publicKey }],
      settings: {},
      gaps: [],
    };
    await expectError(find({ aptConfiguration }), 'repository_signature', /has expired/);
  });

  test.each([
    [
      'one altered letter',
      (text: string) => text.replace('Origin: Example', 'Origin: Exemple'),
      /is not what the key/,
    ],
    ['text before it', (text: string) => `Suite: evil\n${text}`, /nothing else/],
    ['text after it', (text: string) => `${text}\nSuite: evil\n`, /nothing else/],
    ['a second message', (text: string) => `${text}${text}`, /nothing else/],
    ['its end cut off', (text: string) => text.slice(0, -40), /nothing else/],
  ])('an InRelease with %s', async (_, alter, words) => {
    server.files = await publish(key, { packages: all() });
    const path = 'dists/stable/InRelease';
    server.files.set(path, Buffer.from(alter((server.files.get(path) ?? '').toString())));
    await expectError(find(), 'repository_signature', words);
  });

  test('an altered Release with its detached signature', async () => {
    server.files = await publish(key, { packages: all(), form: 'detached' });
    server.files.set(
      'dists/stable/Release',
      Buffer.concat([server.files.get('dists/stable/Release') ?? Buffer.alloc(0), Buffer.from('X: y\n')]),
    );
    await expectError(find(), 'repository_signature', /is not what the key/);
  });

  test.each(['', '[trusted=yes] ', '[allow-insecure=yes] '])(
    'an unsigned repository with %s',
    async (option) => {
      server.files = await publish(key, { packages: all(), form: 'unsigned' });
      await expectError(
        find({ sources: `deb ${option}${server.uri} stable main` }),
        'repository_unsigned',
        /Release\.gpg/,
      );
    },
  );

  test('an InRelease without a signature', async () => {
    server.files = await publish(key, { packages: all(), form: 'unsigned' });
    server.files.set('dists/stable/InRelease', server.files.get('dists/stable/Release') ?? Buffer.alloc(0));
    await expectError(find(), 'repository_unsigned', /has no signature/);
  });

  test('an expired repository, unless it is allowed', async () => {
    server.files = await publish(key, { packages: all(), date: inHours(-48), validUntil: inHours(-24) });
    const sources = `deb [check-valid-until=no] ${server.uri} stable main`;
    await expectError(find({ sources }), 'repository_stale', /expired on/);
    expect(changesOf(await find({ allowStale: true }))).toEqual(upgradeOfApp);
    await expectError(find({ offline: true }), 'repository_stale', /expired on/);
  });

  test('a repository from the future', async () => {
    server.files = await publish(key, { packages: all(), date: inHours(30) });
    await expectError(find(), 'repository_stale', /Check the clock/);
  });

  test('an older state than was seen before', async () => {
    const older = await publish(key, { packages: [packages.old], date: inHours(-5) });
    server.files = await publish(key, { packages: all(), date: inHours(-2) });
    await find();
    server.files = older;
    await expectError(find(), 'repository_stale', /replays an old state/);
    expect(changesOf(await find({ allowStale: true }))).toEqual([]);
    await expectError(find(), 'repository_stale', /replays an old state/);
    server.files = await publish(key, { packages: all(), date: inHours(-1) });
    expect(changesOf(await find())).toEqual(upgradeOfApp);
  });

  test('another suite under the name of the one that was asked for', async () => {
    const other = await publish(key, { packages: all(), suite: 'testing' });
    server.files = new Map([...other].map(([path, bytes]) => [path.replace('testing', 'stable'), bytes]));
    await expectError(find(), 'repository_corrupt', /suite or codename stable/);
  });

  test.each([
    [
      'altered',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1) === 0 ? 1 : 0])]),
      /SHA-256/,
    ],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1), /bytes/],
    ['too long', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]), /more than/],
  ])('a list that is %s', async (_, alter, words) => {
    server.files = await publish(key, { packages: all() });
    const path = 'dists/stable/main/binary-amd64/Packages.xz';
    server.files.set(path, alter(server.files.get(path) ?? Buffer.alloc(0)));
    await expectError(find(), 'repository_corrupt', words);
    expect(readdirSync(join(directory, 'cache/metadata/incoming'))).toEqual([]);
  });

  test('a list that unpacks to more than was signed, before it fills the disk', async () => {
    const bomb = await xz.compress(Buffer.alloc(5_000_000));
    const text = `Suite: stable\nDate: ${new Date().toUTCString()}\nSHA256:\n ${sha256(bomb)} ${bomb.length} main/binary-amd64/Packages.xz\n ${'0'.repeat(64)} 1000 main/binary-amd64/Packages\n`;
    server.files = new Map([
      ['dists/stable/InRelease', key.clearsign(text)],
      ['dists/stable/main/binary-amd64/Packages.xz', bomb],
    ]);
    await expectError(find(), 'repository_corrupt', /1000 bytes once unpacked/);
  });

  test('an InRelease of more than 16 MiB', async () => {
    server.files.set('dists/stable/InRelease', Buffer.alloc(17 * 1024 * 1024, 'x'));
    await expectError(find(), 'repository_corrupt', /at most 16777216/);
  });

  test('a port where nobody listens', async () => {
    await server.close();
    await expectError(
      find({ sources: `deb ${server.uri} stable main` }),
      'repository_unreachable',
      /ECONNREFUSED/,
    );
  });

  test('a host without an address', async () => {
    const sources = 'deb http://nowhere.invalid/ stable main';
    await expectError(find({ sources }), 'repository_unreachable', /nowhere\.invalid/);
  });

  test('an address where nothing is', async () => {
    await expectError(find(), 'repository_unreachable', /neither/);
  });

  test('redirects without an end, and to files of this host', async () => {
    server.redirects.set('dists/stable/InRelease', '/dists/stable/InRelease');
    await expectError(find(), 'repository_unreachable', /more than 5 times/);
    server.redirects.set('dists/stable/InRelease', 'file:///etc/hostname');
    await expectError(find(), 'repository_unreachable', /file:/);
  });

  test('files of this host for an image', async () => {
    await expectError(
      find({ sources: 'deb file:/srv/mirror stable main' }),
      'sources_missing',
      /files of this host/,
    );
  });

  test('an image without sources', async () => {
    await expectError(find({ sources: '# nothing\n' }), 'sources_missing', /found none/);
  });

  test('a package that lies outside of its repository', async () => {
    const stray = { ...packages.app, stanza: packages.app.stanza.replace('pool/', '../../pool/') };
    server.files = await publish(key, { packages: [stray, packages.library] });
    await expectError(find(), 'repository_corrupt', /Filename/);
  });
});

describe('the solver', () => {
  test('keeps a held package and what only it needs', async () => {
    server.files = await publish(key, { packages: all() });
    const found = await find({ dpkgStatus: status({ ...installedApp, Status: 'hold ok installed' }) });
    expect(found.changes).toEqual([]);
    expect(found.keptBack).toEqual([
      { name: 'app', architecture: 'amd64', installed: '1.0-1', candidate: '2.0-1', reason: 'hold' },
    ]);
  });

  test('says why a package is kept back', async () => {
    server.files = await publish(key, { packages: [packages.app] });
    const found = await find();
    expect(found.changes).toEqual([]);
    expect(found.keptBack).toEqual([
      expect.objectContaining({
        name: 'app',
        candidate: '2.0-1',
        reason: expect.stringMatching(/Depends: library/),
      }),
    ]);
  });

  test('shows what it removes', async () => {
    const breaker = workshop.makePackage({
      Package: 'app',
      Version: '3.0',
      Conflicts: 'rival',
      Replaces: 'rival',
    });
    server.files = await publish(key, { packages: [breaker] });
    const found = await find({ dpkgStatus: status(installedApp, { Package: 'rival', Version: '1' }) });
    expect(changesOf(found)).toEqual(
      expect.arrayContaining([
        ['app', 'amd64', '1.0-1', '3.0'],
        ['rival', 'amd64', '1', null],
      ]),
    );
  });

  test('lists what a pin keeps, with its file', async () => {
    server.files = await publish(key, { packages: all() });
    const text = 'Package: ap?\nPin: version 1.*\nPin-Priority: 1001\n';
    const aptConfiguration = {
      sourceFiles: [{ path: '/etc/apt/sources.list', text: `deb ${server.uri} stable main` }],
      preferenceFiles: [{ path: '/etc/apt/preferences.d/keep-app', text }],
      keyrings: [{ path: '/etc/apt/trusted.gpg.d/example.gpg', bytes: key.publicKey }],
      settings: {},
      gaps: [],
    };
    const found = await find({ aptConfiguration });
    expect(found.changes).toEqual([]);
    expect(found.keptBack).toEqual([
      expect.objectContaining({
        name: 'app',
        candidate: '2.0-1',
        reason: 'pinned by /etc/apt/preferences.d/keep-app',
      }),
    ]);
  });

  test('follows Install-Recommends of the image', async () => {
    const app = workshop.makePackage({ Package: 'app', Version: '4.0', Recommends: 'library' });
    server.files = await publish(key, { packages: [app, packages.library] });
    const withSetting = (value: string): Promise<UpgradeSet> =>
      find({
        aptConfiguration: {
          sourceFiles: [{ path: '/etc/apt/sources.list', text: `deb ${server.uri} stable main` }],
          preferenceFiles: [],
          keyrings: [{ path: '/etc/apt/trusted.gpg.d/example.gpg', bytes: key.publicKey }],
          settings: { 'APT::Install-Recommends': value },
          gaps: [],
        },
      });
    expect((await withSetting('true')).changes.map(({ name }) => name).toSorted()).toEqual([
      'app',
      'library',
    ]);
    expect((await withSetting('false')).changes.map(({ name }) => name)).toEqual(['app']);
  });

  test('gives its own words when the packages of the image are broken', async () => {
    server.files = await publish(key, { packages: [packages.old] });
    const broken = status({ ...installedApp, Depends: 'nowhere-to-be-found' });
    await expectError(find({ dpkgStatus: broken }), 'plan_unsolvable', /nowhere-to-be-found/);
  });

  test('never plans to remove an essential package', async () => {
    const breaker = workshop.makePackage({
      Package: 'app',
      Version: '5.0',
      Conflicts: 'vital',
      Essential: 'yes',
    });
    server.files = await publish(key, { packages: [breaker] });
    const dpkgStatus = status(installedApp, { Package: 'vital', Version: '1', Essential: 'yes' });
    const found = await find({ dpkgStatus });
    expect(found.changes).toEqual([]);
    expect(found.keptBack).toEqual([
      expect.objectContaining({ name: 'app', reason: expect.stringMatching(/^Conflicts: vital/) }),
    ]);
  });

  test('brings packages of foreign architectures under their own name', async () => {
    const foreign = workshop.makePackage({
      Package: 'both',
      Version: '2',
      Architecture: 'i386',
      'Multi-Arch': 'same',
    });
    const files = await publish(key, { packages: [foreign] });
    const list = Buffer.from(`${foreign.stanza}\n`);
    const path = 'main/binary-i386/Packages';
    const text = `Suite: stable\nDate: ${new Date().toUTCString()}\nSHA256:\n ${sha256(list)} ${list.length} ${path}\n`;
    server.files = new Map([
      ...files,
      ['dists/stable/InRelease', key.clearsign(text)],
      [`dists/stable/${path}`, list],
    ]);
    const found = await find({
      foreignArchitectures: ['i386'],
      dpkgStatus: status({ Package: 'both', Version: '1', Architecture: 'i386', 'Multi-Arch': 'same' }),
    });
    expect(changesOf(found)).toEqual([['both', 'i386', '1', '2']]);
  });
});

describe('the package pool', () => {
  const fileOf = (published: PublishedPackage): PackageFile => ({
    name: 'library',
    version: '1.0',
    architecture: 'all',
    uri: `${server.uri}${published.path}`,
    size: published.bytes.length,
    sha256: sha256(published.bytes),
  });
  const ensure = (files: readonly PackageFile[], onProgress?: (done: number, total: number) => void) =>
    ensurePackages(files, {
      cacheDirectory: join(directory, 'cache'),
      clock: () => new Date(),
      ...(onProgress ? { onProgress } : {}),
    });

  test('fetches what is missing, once, and reports its bytes', async () => {
    server.files = await publish(key, { packages: all() });
    const seen: [number, number][] = [];
    const [pooled] = await ensure([fileOf(packages.library)], (...bytes) => seen.push(bytes));
    expect(readFileSync(pooled?.path ?? '')).toEqual(packages.library.bytes);
    expect(statSync(pooled?.path ?? '').mode & 0o777).toBe(0o444);
    const { length } = packages.library.bytes;
    expect([seen[0], seen.at(-1)]).toEqual([
      [0, length],
      [length, length],
    ]);
    const before = server.requests.length;
    await ensure([fileOf(packages.library)]);
    expect(server.requests.length).toBe(before);
  });

  test('fetches a file again that was damaged in the pool', async () => {
    server.files = await publish(key, { packages: all() });
    const [pooled] = await ensure([fileOf(packages.library)]);
    const path = pooled?.path ?? '';
    const damaged = Buffer.from(packages.library.bytes);
    damaged.writeUInt8(damaged.readUInt8(100) ^ 1, 100);
    chmodSync(path, 0o644);
    writeFileSync(path, damaged);
    await ensure([fileOf(packages.library)]);
    expect(readFileSync(path)).toEqual(packages.library.bytes);
  });

  test.each([
    ['altered', (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 80 ? byte ^ 1 : byte)))],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['too long', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ])('refuses a package that is %s, and keeps nothing of it', async (_, alter) => {
    server.files = await publish(key, { packages: all() });
    server.files.set(packages.library.path, alter(packages.library.bytes));
    await expectError(ensure([fileOf(packages.library)]), 'package_corrupt', /as the repository signed them/);
    expect(readdirSync(join(directory, 'cache/pool'))).toEqual(['incoming', 'lock']);
    expect(readdirSync(join(directory, 'cache/pool/incoming'))).toEqual([]);
  });

  test('says when a package is no longer there', async () => {
    await expectError(ensure([fileOf(packages.library)]), 'repository_unreachable', /plan again/);
  });

  test('of two processes that need the same package, one fetches it', async () => {
    server.files = await publish(key, { packages: all() });
    const program = `
      import { ensurePackages } from ${JSON.stringify(join(import.meta.dirname, '../src/upgrades/pool/ensure-packages.ts'))};
      await ensurePackages([${JSON.stringify(fileOf(packages.library))}], { cacheDirectory: ${JSON.stringify(join(directory, 'cache'))}, clock: () => new Date() });`;
    const runs = [1, 2].map(
      () =>
        new Promise<number | null>((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
          child.on('close', resolve);
        }),
    );
    expect(await Promise.all(runs)).toEqual([0, 0]);
    expect(server.requests.filter(({ path }) => path === packages.library.path)).toHaveLength(1);
    const [pooled] = await ensure([fileOf(packages.library)]);
    expect(readFileSync(pooled?.path ?? '')).toEqual(packages.library.bytes);
  });

  test('takes up a transfer that was cut off', async () => {
    server.files = await publish(key, { packages: all() });
    server.cuts.set(packages.library.path, 300);
    const [pooled] = await ensure([fileOf(packages.library)]);
    expect(readFileSync(pooled?.path ?? '')).toEqual(packages.library.bytes);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=300-']);
  });

  test('begins anew when what was left of a transfer is of another file', async () => {
    server.files = await publish(key, { packages: all() });
    const incoming = join(directory, 'cache/pool/incoming');
    mkdirSync(incoming, { recursive: true });
    const part = join(incoming, `${fileOf(packages.library).sha256}.part`);
    writeFileSync(part, Buffer.alloc(200));
    const [pooled] = await ensure([fileOf(packages.library)]);
    expect(readFileSync(pooled?.path ?? '')).toEqual(packages.library.bytes);
    expect(readdirSync(incoming)).toEqual([]);
  });

  test('finds what is damaged, and removes it when told to', async () => {
    server.files = await publish(key, { packages: all() });
    const pooled = await ensure([fileOf(packages.library), fileOf(packages.app)]);
    const cacheDirectory = join(directory, 'cache');
    expect(await verifyPool({ cacheDirectory, remove: true })).toMatchObject({ files: 2, damaged: [] });
    const path = pooled[0]?.path ?? '';
    chmodSync(path, 0o644);
    truncateSync(path, 100);
    expect((await verifyPool({ cacheDirectory, remove: false })).damaged).toEqual([path]);
    await verifyPool({ cacheDirectory, remove: true });
    expect(await verifyPool({ cacheDirectory, remove: true })).toMatchObject({ files: 1, damaged: [] });
  });

  test('is pruned by age and by size, and never of what was just used', async () => {
    server.files = await publish(key, { packages: all() });
    await find();
    const cacheDirectory = join(directory, 'cache');
    const files = [packages.library, packages.app, packages.old].map(fileOf);
    const pooled = await ensure(files);
    const usedAgo = (index: number, hours: number): void =>
      utimesSync(pooled[index]?.path ?? '', inHours(-hours), inHours(-hours));
    const left = (): boolean[] => pooled.map(({ path }) => existsSync(path));
    usedAgo(0, 50);
    usedAgo(1, 3);
    expect((await prunePool({ cacheDirectory, maxAgeDays: 3, now: new Date() })).removed.files).toBe(0);
    const { removed } = await prunePool({ cacheDirectory, maxAgeDays: 2, now: new Date() });
    expect(removed).toEqual({ files: 1, bytes: files[0]?.size });
    expect(left()).toEqual([false, true, true]);
    await prunePool({ cacheDirectory, maxBytes: 0, now: new Date() });
    expect(left()).toEqual([false, false, true]);
    await prunePool({ cacheDirectory, maxAgeDays: 0, now: inHours(24 * 400) });
    expect(left()).toEqual([false, false, false]);
    expect(readdirSync(join(cacheDirectory, 'metadata/releases'))).toHaveLength(1);
    expect(changesOf(await find())).toEqual(upgradeOfApp);
  });
});

describe('a former state of a repository', () => {
  test('can be used again, however old it is, and only that one', async () => {
    server.files = await publish(key, { packages: [packages.old], validUntil: inHours(1) });
    const before = await find();
    const pinned = usedRepositories(before.snapshot);
    server.files = await publish(key, { packages: all(), date: inHours(1), validUntil: inHours(2) });
    expect(changesOf(await find({ clock: () => inHours(1) }))).toEqual(upgradeOfApp);
    server.requests.length = 0;
    const again = await find({ pinned, clock: () => inHours(1000) });
    expect(again.snapshot).toEqual(before.snapshot);
    expect(changesOf(again)).toEqual([]);
    expect(server.requests).toEqual([]);
  });

  test('is refused when it is not kept, was altered, or another key is asked for', async () => {
    server.files = await publish(key, { packages: all() });
    const pinned = usedRepositories((await find()).snapshot);
    const unknown = pinned.map((pin) => ({ ...pin, releaseDigest: 'f'.repeat(64) }));
    await expectError(find({ pinned: unknown }), 'snapshot_missing', /pool import/);
    await expectError(find({ pinned: [] }), 'snapshot_missing', /in the snapshot/);
    const [kept = ''] = readdirSync(join(directory, 'cache/metadata/signed'));
    server.files = await publish(key, { packages: [packages.old], date: inHours(-2) });
    await find({ allowStale: true });
    const signed = join(directory, 'cache/metadata/signed');
    const [other = ''] = readdirSync(signed).filter((name) => name !== kept);
    writeFileSync(join(signed, kept), readFileSync(join(signed, other)));
    await expectError(find({ pinned }), 'repository_corrupt', /The cache was altered/);
  });
});

describe('a pool that is carried to a host without a network', () => {
  const cacheDirectory = (): string => join(directory, 'cache');
  const archive = (): string => join(directory, 'pool.tar');
  const away = (): string => join(directory, 'away');

  async function fillAndExport(): Promise<UpgradeSet> {
    server.files = await publish(key, { packages: all() });
    const found = await find();
    const arrivals = found.changes.filter((change) => change.to !== null);
    await ensurePackages(
      arrivals.map(({ file }) => file),
      { cacheDirectory: cacheDirectory(), clock: () => new Date() },
    );
    await exportPool({ cacheDirectory: cacheDirectory(), target: archive() });
    return found;
  }

  test('gives the same plan and the same packages there', async () => {
    const found = await fillAndExport();
    const exported = readFileSync(archive());
    await exportPool({ cacheDirectory: cacheDirectory(), target: archive() });
    expect(readFileSync(archive())).toEqual(exported);
    server.files.clear();
    server.requests.length = 0;
    const { files } = await importPool({ cacheDirectory: away(), source: archive() });
    expect(files).toBeGreaterThanOrEqual(5);
    const there = await find({ cacheDirectory: away(), offline: true });
    expect(changesOf(there)).toEqual(changesOf(found));
    const pooled = await ensurePackages(
      there.changes.flatMap((change) => (change.to === null ? [] : [change.file])),
      { cacheDirectory: away(), clock: () => new Date() },
    );
    expect(pooled).toHaveLength(2);
    expect(server.requests).toEqual([]);
  });

  test('does not replace a newer state by an older one', async () => {
    await fillAndExport();
    server.files = await publish(key, { packages: all(), date: inHours(2) });
    await find({ cacheDirectory: away(), clock: () => inHours(2) });
    await importPool({ cacheDirectory: away(), source: archive() });
    server.files = await publish(key, { packages: all() });
    await expectError(find({ cacheDirectory: away() }), 'repository_stale', /seen before/);
  });

  test.each<readonly [string, (folder: string) => readonly string[]]>([
    ['a path that leads out', () => ['--transform', 's,^.*$,../../outside,', 'file']],
    ['a name of its own', () => ['--transform', 's,^.*$,pool/other,', 'file']],
    ['a link', () => ['--transform', `s,^.*$,pool/sha256/aa/${'a'.repeat(64)}.deb,RS`, 'link']],
    [
      'a package with another digest',
      () => ['--transform', `s,^.*$,pool/sha256/aa/${'a'.repeat(64)}.deb,`, 'file'],
    ],
    [
      'a state from the future',
      () => ['--transform', `s,^.*$,metadata/releases/${'a'.repeat(64)}.json,`, 'future'],
    ],
  ])('refuses %s', async (_, args) => {
    writeFileSync(join(directory, 'file'), 'content');
    writeFileSync(join(directory, 'future'), '{"date":"2999-01-01T00:00:00.000Z"}');
    symlinkSync('file', join(directory, 'link'));
    execFileSync('tar', ['-C', directory, '-P', '-cf', archive(), ...args(directory)]);
    await expectError(
      importPool({ cacheDirectory: away(), source: archive() }),
      'transfer_invalid',
      /Expected/,
    );
    expect(await listKeptFiles(away())).toEqual([]);
  });

  test('refuses what is no archive, and what was cut off', async () => {
    await fillAndExport();
    truncateSync(archive(), 3000);
    await expectError(
      importPool({ cacheDirectory: away(), source: archive() }),
      'transfer_invalid',
      /its end/,
    );
    writeFileSync(archive(), 'x'.repeat(4000));
    await expectError(
      importPool({ cacheDirectory: away(), source: archive() }),
      'transfer_invalid',
      /tar archive/,
    );
    await expectError(
      importPool({ cacheDirectory: away(), source: join(directory, 'none') }),
      'file_unreadable',
      /none/,
    );
  });
});
