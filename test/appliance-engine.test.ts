/** The way of an image that nobody trusts, by an ordinary user: upgraded, attacked from inside, killed on the way. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../src/lib/errors.ts';
import type { Recording } from '../src/patch/recording/types.ts';
import type { Report } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { type CommandOptions, type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory, readGuestFile } from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
import { makeManyFilesystemsImage, readManyFilesystemsImage } from './support/many-filesystems-image.ts';
import { makePackageFixture, type PackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  type SigningKey,
  serve,
  type Workshop,
} from './support/signed-repository.ts';

/** Nobody's number, and nobody's group. */
const user = 60_123;

let workshop: Workshop;
let key: SigningKey;
let server: RepositoryServer;
let shared: string;
let prepared: string;
let cache: string;
let folder: string;
let image: string;
let original: string;

beforeAll(async () => {
  chmodSync(tmpdir(), 0o711);
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  server = await serve();
  shared = realpathSync(mkdtempSync(join(tmpdir(), 'appliance-')));
  chmodSync(shared, 0o711);
  cache = join(shared, 'cache');
  mkdirSync(cache);
  chownSync(cache, user, user);
  const { exitCode, stderr } = await coldpatch(['appliance', 'build']);
  if (exitCode !== 0) throw new Error(stderr);
  prepared = join(shared, 'prepared.raw');
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), prepared);
  await installInImage({ image: prepared, key: key.publicKey, uri: server.uri, packages: [app('1.0')] });
});

afterAll(async () => {
  workshop.end();
  await server.close();
  rmSync(shared, { recursive: true, force: true });
});

beforeEach(async () => {
  folder = join(shared, 'images');
  mkdirSync(folder);
  chownSync(folder, user, user);
  image = join(folder, 'small.raw');
  await copyGuestImage(prepared, image);
  chownSync(image, user, user);
  original = digestOf(image);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function app(version: string, more: Partial<PackageFixture> = {}): PackageFixture {
  return { name: 'app', version, files: { '/usr/share/app/version': `${version}\n` }, ...more };
}

async function offer(postinst: string): Promise<void> {
  const packages = [makePackageFixture(app('2.0', { scripts: { postinst } }))];
  server.files = await publish(key, { packages });
}

function coldpatch(
  args: readonly string[],
  options: Omit<CommandOptions, 'args' | 'user'> = {},
): Promise<CommandResult> {
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: cache,
    COLDPATCH_STATE_DIRECTORY: join(cache, 'state'),
    HOME: shared,
    TMPDIR: '/tmp',
    ...options.environment,
  };
  return runColdpatch({ ...options, args, environment, user });
}

function update(options: Omit<CommandOptions, 'args' | 'user'> = {}): Promise<CommandResult> {
  return coldpatch(['update', image, '--engine', 'appliance', '--json'], options);
}

async function updateOrFail(): Promise<Report> {
  const { exitCode, stdout, stderr } = await update();
  if (exitCode === 0) return JSON.parse(stdout) as Report;
  throw new Error(`Expected the update to succeed, but it ended with ${exitCode}: ${stderr}`);
}

function digestOf(path: string): string {
  return execFileSync('sha256sum', ['-b', path], { encoding: 'utf8' }).slice(0, 64);
}

/** Of the run directories below the state directory. */
function leftovers(): readonly string[] {
  const state = join(folder, '.coldpatch/small.raw');
  if (!existsSync(state)) return [];
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^(?:lock|counter|work|generations(?:\/\d+(?:\/[^/]+)?)?)$/.test(name),
  );
}

/** Machines of the test's own user. */
function machines(): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const isOurs = new RegExp(`^Uid:\\t${user}\\t`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return isOurs && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system');
    } catch {
      return false;
    }
  });
}

async function expectRefusal(result: CommandResult, code: ErrorCode): Promise<void> {
  expect(result.stderr).toContain(`coldpatch: error ${code}: `);
  expect(result.exitCode).toBe(errorCatalogue[code].exit);
  expect(digestOf(image)).toBe(original);
  expect(leftovers()).toEqual([]);
  expect(machines()).toEqual([]);
}

test('an ordinary user upgrades an image that nobody trusts', async () => {
  await offer(
    [
      `if perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:${new URL(server.uri).port}")'; then echo reached > /network; fi`,
      'ls /sys/class/net > /interfaces || true',
      `mkdir -p ${folder}/outside || true`,
      'for disk in /sys/block/vd*; do',
      '  serial=$(cat $disk/serial)',
      '  mknod /run/$serial b $(tr : " " < $disk/dev)',
      '  if dd if=/dev/zero of=/run/$serial bs=512 seek=100 count=1 conv=fsync; then echo $serial >> /written; fi',
      'done',
    ].join('\n'),
  );
  const report = await updateOrFail();
  expect(report).toMatchObject({
    outcome: 'updated',
    generation: 1,
    before: { digest: original },
    changes: [{ name: 'app', from: '1.0', to: '2.0' }],
    engine: { id: 'appliance', trust: 'not_needed', isolation: expect.stringContaining('without a network') },
  });
  expect(report.verification.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['filesystem /', 'package audit', 'packages', 'identity']),
  );
  expect(digestOf(image)).toBe(report.after.digest);
  expect(await readGuestFile(image, '/usr/share/app/version')).toBe('2.0\n');
  expect(await readGuestFile(image, '/network')).toBe('');
  expect(await readGuestFile(image, '/interfaces')).toBe('lo\n');
  // Before the first partition of the copy. The packages are read only, and the kernel guards its swap.
  expect(await readGuestFile(image, '/written')).toBe('copy\n');
  expect(existsSync(join(folder, 'outside'))).toBe(false);
  expect(leftovers()).toEqual([]);
  expect(machines()).toEqual([]);
});

test('a root on XFS with a subvolume of btrfs and an EFI system partition', async () => {
  const from = image;
  const original = join(folder, 'many.raw');
  const directory = join(shared, 'many');
  mkdirSync(directory);
  await makeManyFilesystemsImage({ from, to: original, directory });
  rmSync(from);
  image = original;
  chownSync(image, user, user);
  const files = { '/usr/share/app/version': '2.0\n', '/opt/app/version': '2.0 in /opt\n' };
  const scripts = { postinst: 'echo 2.0 for the firmware > /boot/efi/app.txt' };
  server.files = await publish(key, { packages: [makePackageFixture(app('2.0', { files, scripts }))] });
  const report = await updateOrFail();
  expect(report.verification.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.verification.map(({ detail }) => detail).join('\n')).toMatch(
    /xfs_repair finds nothing wrong[^]*btrfs check finds nothing wrong[^]*fsck.fat finds nothing wrong/,
  );
  expect(await readManyFilesystemsImage(image, directory)).toEqual([
    '2.0',
    '2.0 in /opt',
    '2.0 for the firmware',
  ]);
  const recording = readRecording();
  expect(recording.changes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ path: '/usr/share/app/version', kind: 'changed' }),
      expect.objectContaining({ path: '/opt/app/version', kind: 'added' }),
      expect.objectContaining({ path: '/boot/efi/app.txt', kind: 'added' }),
    ]),
  );
  expect(machines()).toEqual([]);
});

function readRecording(): Recording {
  const path = join(folder, '.coldpatch', basename(image), 'generations/1/recording.json.zst');
  return JSON.parse(zstdDecompressSync(readFileSync(path)).toString('utf8')) as Recording;
}

const scripts = '/run/coldpatch/scripts';

describe('an attack from inside leaves the original as it was, and nothing on the host:', () => {
  test.each([
    ['a script that fails', 'package_script_failed', 'echo no; exit 3'],
    ['a disk that is filled', 'guest_space', 'cat /dev/zero > /filler || exit 1'],
    [
      'a machine that powers off in the middle',
      'appliance_failed',
      'echo o > /proc/sysrq-trigger; sleep 600',
    ],
    ['a file that claims terabytes', 'limit_exceeded', 'dd if=/dev/zero of=/opt/sparse bs=1 count=1 seek=3T'],
    ['a flood of words', 'appliance_failed', 'yes "$(head -c 1900 /dev/zero | tr "\\0" y)"'],
    [
      'a lie that all is upgraded',
      'verification_failed',
      [
        'cp /var/lib/dpkg/status-old /var/lib/old-status',
        `echo 'cp /var/lib/old-status /var/lib/dpkg/status; echo all upgraded' > ${scripts}/initramfs.sh`,
      ].join('\n'),
    ],
    [
      'a disk that claims to be built on a file of the host',
      'verification_failed',
      [
        'mknod /run/disk b $(tr : " " < /sys/block/vda/dev)',
        'printf "QFI\\373\\000\\000\\000\\002\\000\\000\\000\\000\\000\\000\\000\\110\\000\\000\\000\\013" > /run/header',
        'dd if=/dev/zero of=/run/disk bs=512 count=1 conv=notrunc,fsync',
        'dd if=/run/header of=/run/disk conv=notrunc,fsync',
      ].join('\n'),
    ],
  ] as const)('%s', async (_, code, postinst) => {
    await offer(postinst);
    await expectRefusal(await update(), code);
  });

  test('an upgrade that never ends', async () => {
    await offer('sleep 100000');
    await expectRefusal(
      await update({ environment: { COLDPATCH_UPGRADE_SECONDS: '30' } }),
      'appliance_timeout',
    );
  });
});

describe('a kill in the middle of the upgrade', () => {
  async function startedMachine(): Promise<number> {
    for (let tries = 0; tries < 600; tries += 1) {
      const [pid] = machines();
      if (pid !== undefined) return Number(pid);
      await delay(200);
    }
    throw new Error('Expected a machine within two minutes.');
  }

  test('of QEMU is an error', async () => {
    await offer('sleep 100000');
    const run = update();
    const pid = await startedMachine();
    await delay(3000);
    process.kill(pid, 'SIGKILL');
    await expectRefusal(await run, 'appliance_failed');
  });

  test('of coldpatch ends the machine too, and the next run finds all in order', async () => {
    await offer('sleep 100000');
    const run = update();
    const pid = await startedMachine();
    await delay(3000);
    process.kill(parentOf(pid), 'SIGKILL');
    expect(await run).toMatchObject({ signal: 'SIGKILL' });
    for (let tries = 0; tries < 50 && machines().length > 0; tries += 1) await delay(100);
    expect(machines()).toEqual([]);
    expect(digestOf(image)).toBe(original);
    await offer('true');
    const report = await updateOrFail();
    expect(report.recovered).not.toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});

/** Field 4 of stat, after the name in brackets: proc_pid_stat(5). */
function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
}

test('without an appliance the run ends before it begins', async () => {
  await offer('true');
  const environment = { COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache') };
  await expectRefusal(await update({ environment }), 'appliance_missing');
});
