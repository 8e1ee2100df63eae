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
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../src/lib/errors.ts';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import type { Report } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { type CommandOptions, type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import {
  changeGuestImage,
  copyGuestImage,
  imageCacheDirectory,
  readGuestFile,
} from './support/guest-image.ts';
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
  const files = join(shared, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'test.gpg'), key.publicKey);
  const source = `deb [signed-by=/usr/share/keyrings/test.gpg] ${server.uri} stable main\n`;
  writeFileSync(join(files, 'sources.list'), source);
  writeFileSync(join(files, 'app.deb'), makePackageFixture(app('1.0')).bytes);
  await changeGuestImage({
    image: prepared,
    files,
    script: [
      'cp "$files/test.gpg" "$root/usr/share/keyrings/test.gpg"',
      'cp "$files/sources.list" "$root/etc/apt/sources.list"',
      'cp "$files/app.deb" "$root/root/app.deb"',
      'chroot "$root" dpkg -i /root/app.deb',
      'rm "$root/root/app.deb"',
    ].join('\n'),
  });
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
  await expect(
    runProgramOrFail({ file: 'qemu-img', args: ['info', '-f', 'raw', image], timeoutSeconds: 20 }),
  ).resolves.toBeDefined();
}

test('an ordinary user upgrades an image that nobody trusts', async () => {
  await offer(
    [
      `if perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new("127.0.0.1:${new URL(server.uri).port}")'; then echo reached > /network; fi`,
      'ls /sys/class/net > /interfaces || true',
      'ls /sys/block > /disks',
      `mkdir -p ${folder}/outside || true`,
      'for disk in /sys/block/vd*; do mknod /run/$(basename $disk) b $(tr : " " < $disk/dev); done',
      'for disk in vdb vdc; do if dd if=/dev/zero of=/run/$disk bs=512 count=1 conv=fsync; then echo $disk >> /written; fi; done',
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
  expect(await readGuestFile(image, '/written')).not.toContain('vdb');
  expect(existsSync(join(folder, 'outside'))).toBe(false);
  expect(leftovers()).toEqual([]);
  expect(machines()).toEqual([]);
});
