/** At each step of an upgrade in the appliance: coldpatch, QEMU or the first process inside is killed, and nothing is lost or left. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasErrorCode } from '../src/lib/has-error-code.ts';
import { errorCatalogue } from '../src/lib/errors.ts';
import { type Report, reportSchema } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory, readGuestFile } from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
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
const user = 60_124;

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
  shared = realpathSync(mkdtempSync(join(tmpdir(), 'kills-')));
  chmodSync(shared, 0o711);
  cache = join(shared, 'cache');
  mkdirSync(cache);
  chownSync(cache, user, user);
  const built = await coldpatch(['appliance', 'build']);
  if (built.exitCode !== 0) throw new Error(built.stderr);
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

function coldpatch(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: cache,
    COLDPATCH_STATE_DIRECTORY: join(cache, 'state'),
    HOME: shared,
    TMPDIR: '/tmp',
    ...more,
  };
  return runColdpatch({ args, environment, user });
}

function update(more: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  return coldpatch(['update', image, '--engine', 'appliance', '--json'], more);
}

function digestOf(path: string): string {
  return execFileSync('sha256sum', ['-b', path], { encoding: 'utf8' }).slice(0, 64);
}

/** What a run had below the state directory. */
function leftovers(): readonly string[] {
  const state = join(folder, '.coldpatch/small.raw');
  if (!existsSync(state)) return [];
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^(?:lock|counter|work|generations(?:\/\d+(?:\/[^/]+)?)?)$/.test(name),
  );
}

/** Processes of the test's own user whose name begins so. */
function processes(name: string): readonly number[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const isOurs = new RegExp(`^Uid:\\t${user}\\t`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      return isOurs && readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith(name) ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

/** Before the first partition of the copy, where a script says how far it came. */
const markSector = 100;

/** Where a script that is root inside ends, waits, or ends all others. */
const steps = ['unpack', 'configure', 'initramfs'] as const;
type Step = (typeof steps)[number];

/**
 * An upgrade that writes its mark at `step`, and then does `deed`. The package brings a builder of initramfs of its own,
 * which is what coldpatch calls at the end, when a script asked for it.
 */
async function offer(step?: Step, deed = ''): Promise<void> {
  const at = (name: Step): string =>
    name === step
      ? [
          'mknod /run/marked b $(tr : " " < /sys/block/vda/dev)',
          `printf ${name} | dd of=/run/marked bs=512 seek=${markSector} conv=notrunc,fsync status=none`,
          deed,
        ].join('\n')
      : ':';
  const files = {
    '/usr/share/app/version': '2.0\n',
    '/usr/share/app/build-initramfs': `#!/bin/sh\n${at('initramfs')}\necho built > /initramfs\n`,
    '/var/lib/initramfs-tools/6.1.0-1-amd64': '',
  };
  const postinst = [
    'install -m 755 /usr/share/app/build-initramfs /usr/sbin/update-initramfs',
    'update-initramfs -u -k all',
    at('configure'),
  ];
  const scripts = { preinst: at('unpack'), postinst: postinst.join('\n') };
  server.files = await publish(key, { packages: [makePackageFixture(app('2.0', { files, scripts }))] });
}

/** Waits until a script inside says on the disk of the copy that it is there. */
async function reached(step: Step): Promise<void> {
  const work = join(folder, '.coldpatch/small.raw/work');
  for (let tries = 0; tries < 3000; tries += 1) {
    if (existsSync(work) && readdirSync(work).some((run) => markIn(join(work, run, 'copy')) === step)) return;
    await delay(200);
  }
  throw new Error(`Expected the inside to come to ${step} within ten minutes.`);
}

function markIn(copy: string): string {
  const bytes = Buffer.alloc(32);
  try {
    const file = openSync(copy, 'r');
    readSync(file, bytes, 0, bytes.length, markSector * 512);
    closeSync(file);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  return bytes.toString('latin1').replaceAll('\0', '');
}

/** The second machine, in which the copy is checked. */
async function checking(): Promise<void> {
  const seen = new Set<number>();
  for (let tries = 0; tries < 3000; tries += 1) {
    for (const pid of processes('qemu-system')) seen.add(pid);
    if (seen.size > 1) return;
    await delay(200);
  }
  throw new Error('Expected a second machine within ten minutes.');
}

async function allEnded(): Promise<void> {
  await expect.poll(() => processes('qemu-system'), { timeout: 20_000 }).toEqual([]);
}

async function expectFailure(result: CommandResult, code: keyof typeof errorCatalogue): Promise<void> {
  expect(result.stderr).toContain(`coldpatch: error ${code}: `);
  expect(result.exitCode).toBe(errorCatalogue[code].exit);
  expect(digestOf(image)).toBe(original);
  expect(leftovers()).toEqual([]);
  await allEnded();
}

async function updateOrFail(): Promise<Report> {
  const { exitCode, stdout, stderr } = await update();
  if (exitCode !== 0)
    throw new Error(`Expected the update to succeed, but it ended with ${exitCode}: ${stderr}`);
  return reportSchema.parse(JSON.parse(stdout));
}

const wait = 'sleep 100000';

describe('the first process inside ends', () => {
  test.each(steps)('while it is at: %s', async (step) => {
    await offer(step, 'echo c > /proc/sysrq-trigger; sleep 600');
    await expectFailure(await update(), 'appliance_failed');
  });

  test('and does not, but all others do: what the agent started ends without its report', async () => {
    await offer('configure', 'echo i > /proc/sysrq-trigger; sleep 600');
    const result = await update({ COLDPATCH_UPGRADE_SECONDS: '300' });
    expect(result.stderr).toMatch(/error (?:engine_failed|appliance_failed|appliance_timeout): /);
    expect(digestOf(image)).toBe(original);
    expect(leftovers()).toEqual([]);
    await allEnded();
  });

  test('the report never ends', async () => {
    await offer('initramfs', 'rm -f /run/coldpatch/state/postponed; mkfifo /run/coldpatch/state/postponed');
    await expectFailure(await update({ COLDPATCH_UPGRADE_SECONDS: '120' }), 'appliance_timeout');
  });
});

describe('QEMU is killed', () => {
  test.each(steps)('while the inside is at: %s', async (step) => {
    await offer(step, wait);
    const run = update();
    await reached(step);
    for (const pid of processes('qemu-system')) process.kill(pid, 'SIGKILL');
    await expectFailure(await run, 'appliance_failed');
  });

  test('while the copy is checked', async () => {
    await offer();
    const run = update();
    await checking();
    for (const pid of processes('qemu-system')) process.kill(pid, 'SIGKILL');
    await expectFailure(await run, 'appliance_failed');
  });
});

describe('coldpatch is killed', () => {
  async function expectKilled(run: Promise<CommandResult>): Promise<void> {
    const [qemu] = processes('qemu-system');
    if (qemu === undefined) throw new Error('Expected a machine, but there is none.');
    process.kill(parentOf(qemu), 'SIGKILL');
    expect(await run).toMatchObject({ signal: 'SIGKILL' });
    await allEnded();
    expect(digestOf(image)).toBe(original);
    expect(leftovers()).not.toEqual([]);
  }

  test.each(steps)('while the inside is at: %s', async (step) => {
    await offer(step, wait);
    const run = update();
    await reached(step);
    await expectKilled(run);
  });

  test('while the copy is checked, and the next run upgrades', async () => {
    await offer();
    const run = update();
    await checking();
    await expectKilled(run);
    const report = await updateOrFail();
    expect(report.recovered).not.toEqual([]);
    expect(await readGuestFile(image, '/initramfs')).toBe('built\n');
    expect(leftovers()).toEqual([]);
    expect(processes('qemu-system')).toEqual([]);
  });
});

/** Field 4 of stat, after the name in brackets: proc_pid_stat(5). */
function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
}
