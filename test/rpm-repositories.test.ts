import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { memoryTree } from '../src/guest/fixtures/memory-filesystem.ts';
import { readRpmDatabase } from '../src/guest/package-managers/rpm/read-rpm-database.ts';
import type { RecordedPackage } from '../src/guest/package-managers/types.ts';
import type { ErrorCode } from '../src/lib/errors.ts';
import { findNewer } from '../src/upgrades/find-newer.ts';
import { exportPool } from '../src/upgrades/pool/export-pool.ts';
import { importPool } from '../src/upgrades/pool/import-pool.ts';
import { listKeptFiles } from '../src/upgrades/pool/list-kept-files.ts';
import type { FindNewerOptions, NewerSet } from '../src/upgrades/repositories/types.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { buildRpm, publishRpms, signed } from './support/rpm-repository.ts';
import {
  openWorkshop,
  type RepositoryServer,
  type SigningKey,
  serve,
  sha256,
  type Workshop,
} from './support/signed-repository.ts';

const hour = 60 * 60 * 1000;
const inHours = (count: number): Date => new Date(Date.now() + count * hour);
const architecture = execFileSync('rpm', ['--eval', '%{_arch}'], { encoding: 'utf8' }).trim();

let workshop: Workshop;
let key: SigningKey;
let otherKey: SigningKey;
let rpms: Readonly<Record<'old' | 'app' | 'library' | 'modular' | 'other', string>>;
let server: RepositoryServer;
let directory: string;

beforeAll(() => {
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  otherKey = workshop.makeKey('Other <other@example.org>');
  const build = (name: string, version: string, more?: { readonly epoch?: number; readonly more?: string }) =>
    buildRpm(workshop.directory, { name, version, release: '1.el9', ...more });
  rpms = {
    old: build('app', '1.0'),
    app: build('app', '1.10', { epoch: 1 }),
    library: build('library', '2.0~rc1', { more: 'BuildArch: noarch' }),
    modular: build('app', '18', { epoch: 1 }),
    other: build('elsewhere', '7'),
  };
});

afterAll(() => workshop.end());

beforeEach(async () => {
  server = await serve();
  directory = mkdtempSync(join(tmpdir(), 'cp-rpm-md-'));
});

afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const installed: readonly RecordedPackage[] = [
  { name: 'app', version: '1:1.9-3.el9', architecture, manager: 'rpm' },
  { name: 'library', version: '2.0~beta-9.el9', architecture: 'noarch', manager: 'rpm' },
];

const upgrades = [
  ['app', architecture, '1:1.9-3.el9', '1:1.10-1.el9'],
  ['library', 'noarch', '2.0~beta-9.el9', '2.0~rc1-1.el9'],
];

interface Changed extends Partial<FindNewerOptions> {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

function find({ files = {}, ...changed }: Changed = {}): Promise<NewerSet> {
  return findNewer('rpm', {
    tree: memoryTree({
      'etc/yum.repos.d/base.repo': `[base]\nname=Base\nbaseurl=${server.uri}$releasever/$basearch/os\ngpgkey=file:///etc/pki/rpm-gpg/KEY\n`,
      'etc/pki/rpm-gpg/KEY': key.armoredKey,
      ...files,
    }),
    operatingSystem: { id: 'rocky', versionId: '9.4', architecture },
    installed,
    cacheDirectory: join(directory, 'cache'),
    workDirectory: directory,
    clock: () => new Date(),
    ...changed,
  });
}

/** Puts a repository where `base.repo` says it is. */
function serveAt(files: ReadonlyMap<string, Buffer>, place = `9/${architecture}/os/`): void {
  server.files = new Map([...files].map(([path, bytes]) => [`${place}${path}`, bytes]));
}

async function expectError(attempt: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> {
  await expect(attempt).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
}

const all = (): string[] => [rpms.old, rpms.app, rpms.library, rpms.other];
const publish = (more: Partial<Parameters<typeof publishRpms>[1]> = {}): Map<string, Buffer> =>
  publishRpms(workshop.directory, { packages: all(), key, ...more });
const newerOf = (found: NewerSet): unknown[] =>
  found.newer.map(({ name, architecture: arch, from, to }) => [name, arch, from, to]);
const nameIn = (files: ReadonlyMap<string, Buffer>, part: string): string =>
  [...files.keys()].find((name) => name.includes(part)) ?? '';

/** Another file in place of the list of packages, with a repomd.xml that is right about it and signed. */
function withPrimary(
  text: string | Buffer,
  { openSize, zstd = false }: { readonly openSize?: number; readonly zstd?: boolean } = {},
): Map<string, Buffer> {
  const files = publish();
  const packed = zstd ? zstdCompressSync(text) : gzipSync(text);
  const open = Buffer.from(text);
  const path = `repodata/primary.xml.${zstd ? 'zst' : 'gz'}`;
  const date = Math.floor(Date.now() / 1000);
  const repomd =
    `<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>${date}</revision>` +
    `<data type="primary"><checksum type="sha256">${sha256(packed)}</checksum>` +
    `<open-checksum type="sha256">${sha256(open)}</open-checksum><location href="${path}"/>` +
    `<timestamp>${date}</timestamp><size>${packed.length}</size><open-size>${openSize ?? open.length}</open-size></data></repomd>`;
  return signed(new Map([...files, [path, packed], ['repodata/repomd.xml', Buffer.from(repomd)]]), key);
}

describe('a repository of createrepo_c', () => {
  test.each([
    ['as it writes it', []],
    ['with xz', ['--general-compress-type', 'xz']],
    ['with SHA-512', ['--checksum', 'sha512']],
    ['with fixed names', ['--simple-md-filenames']],
  ])('is read %s', async (_, createrepo) => {
    serveAt(publish({ createrepo }));
    const found = await find();
    expect(newerOf(found)).toEqual(upgrades);
    expect(found).toMatchObject({ skipped: [], doubts: [] });
    expect(found.repositories).toEqual([
      {
        uri: `${server.uri}9/${architecture}/os/`,
        suite: 'base',
        releaseDigest: sha256(
          server.files.get(`9/${architecture}/os/repodata/repomd.xml`) ?? Buffer.alloc(0),
        ),
        date: expect.stringMatching(/^2/),
        validUntil: null,
      },
    ]);
  });

  test('is read with zstd', async () => {
    const files = publish();
    const primary = gunzipSync(files.get(nameIn(files, 'primary')) ?? Buffer.alloc(0));
    serveAt(withPrimary(primary, { zstd: true }));
    expect(newerOf(await find())).toEqual(upgrades);
  });

  test('is not fetched again when nothing changed, not asked at all offline, and can be repeated', async () => {
    serveAt(publish());
    const { repositories } = await find();
    const before = server.requests.length;
    expect(newerOf(await find())).toEqual(upgrades);
    expect(server.requests.slice(before).map(({ path, status }) => [path.split('/').at(-1), status])).toEqual(
      [['repomd.xml', 304]],
    );
    serveAt(publish({ packages: [rpms.old] }));
    expect(newerOf(await find())).toEqual([]);
    server.files = new Map();
    expect(newerOf(await find({ pinned: repositories }))).toEqual(upgrades);
    expect(newerOf(await find({ offline: true }))).toEqual([]);
    await expectError(
      find({ offline: true, cacheDirectory: join(directory, 'empty') }),
      'repository_unreachable',
      /never was/,
    );
  });

  test.each([[[]], [['--checksum', 'sha512']]])(
    'goes with the pool to a host without a network: %j',
    async (createrepo) => {
      serveAt(publish({ createrepo }));
      await find();
      const archive = join(directory, 'pool.tar');
      const cacheDirectory = join(directory, 'away');
      await exportPool({ cacheDirectory: join(directory, 'cache'), target: archive });
      await importPool({ cacheDirectory, source: archive });
      expect(newerOf(await find({ cacheDirectory, offline: true }))).toEqual(upgrades);
    },
  );

  test('is fetched again when its list in the cache was damaged', async () => {
    serveAt(publish());
    await find();
    const kept = await listKeptFiles(join(directory, 'cache'));
    for (const { name, path } of kept) if (name.startsWith('metadata/sha256/')) truncateSync(path, 10);
    expect(newerOf(await find())).toEqual(upgrades);
  });

  test('that the operator names replaces those of the image, and may be a folder', async () => {
    for (const [path, bytes] of publish({ key: otherKey })) {
      mkdirSync(dirname(join(directory, 'mirror', path)), { recursive: true });
      writeFileSync(join(directory, 'mirror', path), bytes);
    }
    writeFileSync(join(directory, 'other.asc'), otherKey.armoredKey);
    const line = `rpm-md mirror file://${directory}/mirror key=${directory}/other.asc`;
    expect(newerOf(await find({ repositories: [line] }))).toEqual(upgrades);
    await expectError(
      find({ repositories: [line.replace(/ key=.*/, '')] }),
      'repository_signature',
      /not among/,
    );
    await expectError(find({ repositories: ['deb http://x y z'] }), 'sources_invalid', /rpm-md ID BASEURL/);
  });

  test('counts only the newest of kernels that stand side by side', async () => {
    serveAt(publish());
    const kernel = { ...installed[0], manager: 'rpm', isInstallOnly: true } as RecordedPackage;
    const versions = ['1:1.8-1.el9', '1:1.9-1.el9', '1:1.7-1.el9'];
    const found = await find({ installed: versions.map((version) => ({ ...kernel, version })) });
    expect(newerOf(found)).toEqual([['app', architecture, '1:1.9-1.el9', '1:1.10-1.el9']]);
  });

  test('sources of the image that cannot be used are told', async () => {
    serveAt(publish());
    const found = await find({
      files: {
        'etc/yum.repos.d/more.repo':
          '[mirrors]\nmetalink=https://x/\n[off]\nenabled=0\nbaseurl=http://x/\n[local]\nbaseurl=file:///srv\n' +
          '[vars]\nbaseurl=http://$nobody.example/\n[cdn]\nbaseurl=https://x/\nsslclientcert=/etc/pki/x.pem\n',
      },
    });
    expect(newerOf(found)).toEqual(upgrades);
    expect(found.skipped.map(({ where, reason }) => [where.split(' ')[1], reason])).toEqual([
      ['[mirrors]', expect.stringMatching(/metalink is not followed.*--repository/)],
      ['[local]', expect.stringMatching(/file: is not http/)],
      ['[vars]', expect.stringMatching(/unknown variable/)],
      ['[cdn]', expect.stringMatching(/client certificate/)],
    ]);
    await expectError(
      find({ files: { 'etc/yum.repos.d/base.repo': '[a]\nmirrorlist=http://x/\n' } }),
      'sources_missing',
      /mirrorlist is not followed/,
    );
  });
});

test('packages of another manager are refused', () => {
  expect(() => findNewer('pacman', {} as FindNewerOptions)).toThrow(
    expect.objectContaining({ code: 'system_unknown', message: expect.stringMatching(/pacman/) }),
  );
});

describe('modules', () => {
  const modules = (withDefault: boolean): string =>
    `---\ndocument: modulemd\nversion: 2\ndata:\n  name: app\n  stream: "18"\n  version: 9040\n  description: >-\n    artifacts:\n      rpms:\n` +
    `  artifacts:\n    rpms:\n    - app-1:18-1.el9.${architecture}\n    - app-1:18-1.el9.src\n...\n` +
    (withDefault
      ? '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: app\n  stream: "18"\n...\n'
      : '');
  const choice = (state: string, stream: string) => ({
    'etc/dnf/modules.d/app.module': `[app]\nname=app\nprofiles=\nstate=${state}\nstream=${stream}\n`,
  });

  test.each([
    ['nothing was decided', {}, false, '1:1.10-1.el9'],
    ['the stream is enabled', choice('enabled', '18'), false, '1:18-1.el9'],
    ['another stream is enabled', choice('enabled', '20'), true, '1:1.10-1.el9'],
    ['the stream is the default', {}, true, '1:18-1.el9'],
    ['the module is disabled', choice('disabled', ''), true, '1:1.10-1.el9'],
  ])('of which %s', async (_, files, withDefault, expected) => {
    serveAt(publish({ packages: [...all(), rpms.modular], modules: modules(withDefault) }));
    expect((await find({ files })).newer.map(({ name, to }) => [name, to])).toEqual([
      ['app', expected],
      ['library', '2.0~rc1-1.el9'],
    ]);
  });

  test('of another style are refused', async () => {
    serveAt(publish({ modules: '{"document": "modulemd", "data": {}}\n' }));
    await expectError(find(), 'repository_corrupt', /style of libmodulemd/);
  });
});

describe('refused', () => {
  test('a repository that is not signed, unless it is allowed', async () => {
    serveAt(publishRpms(workshop.directory, { packages: all() }));
    await expectError(find(), 'repository_unsigned', /--allow-unsigned/);
    const found = await find({ allowUnsigned: true });
    expect(newerOf(found)).toEqual(upgrades);
    expect(found.doubts).toEqual([
      { where: expect.stringMatching(/ base$/), reason: expect.stringMatching(/nobody/) },
    ]);
    await expectError(find({ offline: true }), 'repository_unsigned', /--allow-unsigned/);
  });

  test('a signature of another key, also when unsigned ones are allowed', async () => {
    serveAt(publish({ key: otherKey }));
    await expectError(find(), 'repository_signature', /not among/);
    await expectError(find({ allowUnsigned: true }), 'repository_signature', /not among/);
  });

  test('a repository whose key the image does not have', async () => {
    serveAt(publish());
    const files = { 'etc/pki/rpm-gpg/KEY': '' };
    await expectError(find({ files }), 'repository_signature', /the image has none/);
  });

  test('an altered repomd.xml', async () => {
    const files = publish();
    const repomd = (files.get('repodata/repomd.xml') ?? '').toString();
    serveAt(
      new Map([...files, ['repodata/repomd.xml', Buffer.from(repomd.replace('<revision>', '<revision>1'))]]),
    );
    await expectError(find(), 'repository_signature', /is not what the key/);
  });

  test('a repomd.xml whose end is missing', async () => {
    const files = publish();
    const repomd = (files.get('repodata/repomd.xml') ?? '').toString();
    serveAt(signed(new Map([...files, ['repodata/repomd.xml', Buffer.from(repomd.slice(0, -30))]]), key));
    await expectError(find(), 'repository_corrupt', /well-formed XML/);
  });

  test.each([
    [
      'altered',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte))),
      /the sha256/,
    ],
    ['truncated', (bytes: Buffer) => bytes.subarray(0, -10), /bytes/],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(100)]), /bytes/],
  ])('a list of packages that is %s', async (_, alter, words) => {
    const files = publish();
    const name = nameIn(files, 'primary');
    serveAt(new Map([...files, [name, alter(files.get(name) ?? Buffer.alloc(0))]]));
    await expectError(find(), 'repository_corrupt', words);
  });

  test('a repository that lacks its list', async () => {
    const files = publish();
    files.delete(nameIn(files, 'primary'));
    serveAt(files);
    await expectError(find(), 'repository_unreachable', /may be incomplete/);
  });

  test('an older state than was seen before, and one from the future', async () => {
    const older = publish({ packages: [rpms.old], date: inHours(-5) });
    serveAt(publish({ date: inHours(-2) }));
    await find();
    serveAt(older);
    await expectError(find(), 'repository_stale', /replays an old state/);
    expect(newerOf(await find({ allowStale: true }))).toEqual([]);
    await expectError(find(), 'repository_stale', /replays an old state/);
    serveAt(publish({ date: inHours(30) }));
    await expectError(find(), 'repository_stale', /Check the clock/);
  });

  test('a repomd.xml without an end', async () => {
    serveAt(signed(new Map([['repodata/repomd.xml', Buffer.alloc(17 * 1024 * 1024, ' ')]]), undefined));
    await expectError(find(), 'repository_too_large', /at most 16777216 bytes/);
  });

  const head = '<?xml version="1.0"?><metadata xmlns="http://linux.duke.edu/metadata/common">';
  test.each([
    [
      'with entities',
      `<!DOCTYPE x [<!ENTITY a "aaaa">]>${head}</metadata>`,
      'repository_corrupt',
      /document type/,
    ],
    ['without an end', `${head}<package type="rpm">`, 'repository_corrupt', /well-formed/],
    ['too deep', `${head}${'<a>'.repeat(100)}`, 'repository_corrupt', /32 deep/],
    [
      'with an endless text',
      `${head}<package><name>${'a'.repeat(70_000)}</name>`,
      'repository_too_large',
      /characters/,
    ],
    [
      'with an endless tag',
      `${head}<package type="${'a'.repeat(5_000_000)}"/>`,
      'repository_too_large',
      /without a tag/,
    ],
    ['of something else', '<repomd></repomd>', 'repository_corrupt', /the element metadata/],
    [
      'with odd names',
      `${head}<package type="rpm"><name>../x</name><arch>x</arch></package></metadata>`,
      'repository_corrupt',
      /name and version/,
    ],
  ] as const)('a list %s, although it is signed', async (_, text, code, words) => {
    serveAt(withPrimary(text));
    await expectError(find(), code, words);
  });

  test('a list that says to be enormous, or becomes larger than it says', async () => {
    serveAt(withPrimary(`${head}</metadata>`, { openSize: 1e12 }));
    await expectError(find(), 'repository_too_large', /at most/);
    serveAt(withPrimary(`${head}${' '.repeat(100_000)}</metadata>`, { openSize: 1000 }));
    await expectError(find(), 'repository_corrupt', /1000 bytes once unpacked/);
  });
});

describe('an image', () => {
  function makeImage(packages: readonly string[]): string {
    const tree = join(directory, 'tree');
    const files = {
      'usr/lib/os-release':
        'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n',
      'etc/fstab': '/dev/sda / ext4 defaults 0 1\n',
      'etc/yum.repos.d/base.repo': `[base]\nbaseurl=${server.uri}$releasever/$basearch/os/\ngpgkey=file:///etc/pki/rpm-gpg/KEY\n`,
      'etc/pki/rpm-gpg/KEY': key.armoredKey,
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), content);
    }
    const database = join(tree, 'var/lib/rpm');
    mkdirSync(database, { recursive: true });
    execFileSync('rpm', ['--dbpath', database, '-i', '--justdb', '--nodeps', '--force', ...packages], {
      stdio: 'ignore',
    });
    const image = join(directory, 'image.raw');
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '32M']);
    return image;
  }
  const release = () =>
    buildRpm(workshop.directory, { name: 'rocky-release', version: '9.4', release: '1.el9' });

  test('is scanned by the command line', async () => {
    const image = makeImage([release(), rpms.old]);
    serveAt(publish());
    const cache = join(directory, 'cache');
    const scan = await runColdpatch({
      args: ['scan', image, '--image-format', 'raw', '--json', '--cache', cache],
    });
    expect(scan.stderr).not.toMatch(/error/);
    expect(scan.exitCode).toBe(0);
    expect(JSON.parse(scan.stdout)).toMatchObject({
      operatingSystem: { id: 'rocky' },
      packages: [
        {
          name: 'app',
          manager: 'rpm',
          installed: '1.0-1.el9',
          source: 'app',
          available: '1:1.10-1.el9',
          changesKnown: false,
          vulnerabilities: [],
        },
      ],
      summary: { lagging: 1 },
      unknown: [
        { where: 'advisories' },
        { where: 'upgrade', detail: expect.stringMatching(/was not solved/) },
        { where: 'changes', detail: expect.stringMatching(/only advisories can/) },
      ],
      repositories: [{ suite: 'base' }],
      gaps: [],
    });
    const gate = await runColdpatch({
      args: ['scan', image, '--image-format', 'raw', '--cache', cache, '--offline', '--fail-on', 'critical'],
    });
    expect([gate.exitCode, gate.stdout]).toEqual([4, expect.stringMatching(/only advisories can/)]);
    const plan = await runColdpatch({ args: ['plan', image, '--image-format', 'raw', '--cache', cache] });
    expect([plan.exitCode, plan.stderr]).toEqual([3, expect.stringMatching(/system_unknown/)]);
  });

  test('of an unsigned repository is refused, unless it is allowed', async () => {
    const image = makeImage([release(), rpms.old]);
    serveAt(publishRpms(workshop.directory, { packages: all() }));
    const args = [
      'scan',
      image,
      '--image-format',
      'raw',
      '--cache',
      join(directory, 'cache'),
      '--format',
      'sarif',
    ];
    const refused = await runColdpatch({ args });
    expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringMatching(/repository_unsigned/)]);
    const allowed = await runColdpatch({ args: [...args, '--allow-unsigned'] });
    expect(allowed.exitCode).toBe(0);
    expect(JSON.parse(allowed.stdout)).toMatchObject({
      runs: [{ results: [{ ruleId: 'outdated-package' }] }],
    });
    expect(allowed.stdout).toContain('nobody signed it');
  });

  test('whose packages are those of its repository lacks nothing', async () => {
    const image = makeImage([release(), rpms.app]);
    serveAt(publish());
    const { stdout } = await runColdpatch({
      args: ['scan', image, '--image-format', 'raw', '--json', '--cache', join(directory, 'cache')],
    });
    expect(JSON.parse(stdout)).toMatchObject({ packages: [], summary: { lagging: 0 } });
  });
});

describe('dnf itself', () => {
  /** A machine with packages of every kind of version, and a repository with others. */
  function makeMachine(modules: string, more: Readonly<Record<string, string>>): string {
    const root = join(directory, 'root');
    const build = (name: string, version: string, release: string, epoch = 0, preamble = '') =>
      buildRpm(workshop.directory, { name, version, release, epoch, more: preamble });
    const old = [
      build('rocky-release', '9.4', '1.el9'),
      build('tilde', '2.0~rc1', '1'),
      build('caret', '1.0^git2', '1'),
      build('letters', '1.0b', '1'),
      build('epoch', '9', '1'),
      build('same', '1', '1'),
      build('newer', '10', '1'),
      build('moved', '1', '1', 0, 'BuildArch: noarch'),
      build('stream', '1', '1'),
      build('plain', '1', '1'),
    ];
    const published = [
      build('tilde', '2.0', '0'),
      build('caret', '1.0^git10', '1'),
      build('letters', '1.0.1', '1'),
      build('epoch', '1', '1', 1),
      build('same', '1', '1'),
      build('newer', '9', '9'),
      build('moved', '2', '1'),
      build('stream', '2', '1'),
      build('stream', '8', '1', 0, 'ModularityLabel: m:8:1:1'),
      build('plain', '2', '1'),
      build('plain', '3', '1'),
    ];
    mkdirSync(join(root, 'mirror/Packages'), { recursive: true });
    for (const [path, bytes] of publishRpms(workshop.directory, { packages: published, key, modules })) {
      mkdirSync(dirname(join(root, 'mirror', path)), { recursive: true });
      writeFileSync(join(root, 'mirror', path), bytes);
    }
    const files = { 'etc/os-release': 'ID=rocky\nVERSION_ID=9.4\n', ...more };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    mkdirSync(join(root, 'var/lib/rpm'), { recursive: true });
    execFileSync('rpm', ['--dbpath', join(root, 'var/lib/rpm'), '-i', '--justdb', '--nodeps', ...old], {
      stdio: 'ignore',
    });
    return root;
  }

  function askDnf(root: string): readonly string[] {
    // Debian's rpm looks for its database in the home directory.
    writeFileSync(join(directory, '.rpmmacros'), '%_dbpath /var/lib/rpm\n');
    const options = [
      '-q',
      '-y',
      `--installroot=${root}`,
      '--releasever=9',
      '--disableplugin=*',
      '--setopt=reposdir=/nonexistent',
      `--repofrompath=base,file://${root}/mirror`,
      '--setopt=module_platform_id=platform:el9',
      '--nogpgcheck',
    ];
    const printed = execFileSync(
      'dnf',
      [...options, 'repoquery', '--upgrades', '--latest-limit=1', '--qf', '%{name} %{evr}'],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, HOME: directory },
      },
    );
    return printed.trim().split('\n').toSorted();
  }

  const modules = (withDefault: boolean): string =>
    `---\ndocument: modulemd\nversion: 2\ndata:\n  name: m\n  stream: 8\n  version: 1\n  context: 1\n  arch: ${architecture}\n` +
    `  summary: s\n  description: >-\n    d\n  license:\n    module:\n    - MIT\n  artifacts:\n    rpms:\n    - stream-0:8-1.${architecture}\n...\n` +
    (withDefault
      ? '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: m\n  stream: 8\n...\n'
      : '');
  const choice = (state: string) => ({
    'etc/dnf/modules.d/m.module': `[m]\nname=m\nprofiles=\nstate=${state}\nstream=${state === 'enabled' ? '8' : ''}\n`,
  });

  test.each([
    ['without a decision about a module', false, {}],
    ['with a default stream', true, {}],
    ['with an enabled stream', false, choice('enabled')],
    ['with a disabled module', true, choice('disabled')],
  ])('finds the same upgrades %s', async (_, withDefault, more) => {
    const root = makeMachine(modules(withDefault), more);
    const { packages } = readRpmDatabase(
      memoryTree({ 'var/lib/rpm/rpmdb.sqlite': readFileSync(join(root, 'var/lib/rpm/rpmdb.sqlite')) }),
    );
    const found = await find({
      files: more,
      installed: packages,
      repositories: [`rpm-md base file://${root}/mirror`],
    });
    const ours = found.newer.map(({ name, to }) => `${name} ${to}`).toSorted();
    expect(ours.length).toBeGreaterThan(5);
    expect(ours).toEqual(askDnf(root));
  });
});
