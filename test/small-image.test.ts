/** What goes wrong on the way of an image, each on a small Debian that is upgraded from a repository of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../src/lib/errors.ts';
import { runProgramOrFail } from '../src/lib/run-program.ts';
import { journalSteps } from '../src/machines/generations/journal-steps.ts';
import type { Inspection } from '../src/guest/inspection.ts';
import type { Plan } from '../src/patch/plan.ts';
import type { Report } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import {
  type CommandOptions,
  type CommandResult,
  coldpatchProgram,
  runColdpatch,
} from './support/command-line-fixture.ts';
import {
  changeGuestImage,
  copyGuestImage,
  imageCacheDirectory,
  readGuestFile,
} from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
import { makePackageFixture, type PackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type ReleaseOptions,
  type RepositoryServer,
  type SigningKey,
  serve,
  type Workshop,
} from './support/signed-repository.ts';

const nobody = 65_534;
const megabyte = 1024 * 1024;
const conffile = '/etc/app.conf';

let workshop: Workshop;
let key: SigningKey;
let server: RepositoryServer;
/** Holds the image with app 1.0 that every test copies. */
let shared: string;
let prepared: string;
let folder: string;
let image: string;
let cache: string;
let original: string;

beforeAll(async () => {
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  server = await serve();
  shared = mkdtempSync(join(tmpdir(), 'small-'));
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
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'small-')));
  cache = join(folder, 'cache');
  mkdirSync(join(folder, 'images'));
  image = join(folder, 'images', 'small.raw');
  await copyGuestImage(prepared, image);
  original = await digestOf(image);
  await offer();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function app(version: string, more: Partial<PackageFixture> = {}): PackageFixture {
  return {
    name: 'app',
    version,
    files: { [conffile]: `version = ${version}\n`, '/usr/share/app/version': `${version}\n` },
    conffiles: [conffile],
    ...more,
  };
}

/** Publishes app 2.0. */
async function offer(
  more: Partial<PackageFixture> = {},
  release: ReleaseOptions = {},
  by = key,
): Promise<void> {
  server.files = await publish(by, { packages: [makePackageFixture(app('2.0', more))], ...release });
}

function coldpatch(
  args: readonly string[],
  options: Omit<CommandOptions, 'args'> = {},
): Promise<CommandResult> {
  const environment = { COLDPATCH_CACHE_DIRECTORY: cache, ...options.environment };
  return runColdpatch({ ...options, args, environment });
}

function update(
  options: Omit<CommandOptions, 'args'> = {},
  ...more: readonly string[]
): Promise<CommandResult> {
  return coldpatch(['update', image, '--trust-image', '--json', ...more], options);
}

async function updateOrFail(): Promise<Report> {
  const { exitCode, stdout, stderr } = await update();
  if (exitCode === 0) return JSON.parse(stdout) as Report;
  throw new Error(`Expected the update to succeed, but it ended with ${exitCode}: ${stderr}`);
}

async function digestOf(path: string): Promise<string> {
  const { stdout } = await runProgramOrFail({ file: 'sha256sum', args: ['-b', path], timeoutSeconds: 120 });
  return stdout.slice(0, 64);
}

async function versionInImage(): Promise<string | undefined> {
  const { stdout } = await coldpatch(['inspect', image, '--json']);
  return (JSON.parse(stdout) as Inspection).packages.find(({ name }) => name === 'app')?.version;
}

/** Of the run directories below the state directory. */
function leftovers(): readonly string[] {
  const state = join(folder, 'images/.coldpatch/small.raw');
  if (!existsSync(state)) return [];
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^(?:lock|counter|work|generations(?:\/\d+(?:\/[^/]+)?)?)$/.test(name),
  );
}

function expectError({ exitCode, stderr }: CommandResult, code: ErrorCode): void {
  expect(stderr).toContain(`coldpatch: error ${code}: `);
  expect(exitCode).toBe(errorCatalogue[code].exit);
}

/** The run failed for this reason, and nobody sees that it was there. */
async function expectRefusal(result: CommandResult, code: ErrorCode): Promise<void> {
  expectError(result, code);
  expect(await digestOf(image)).toBe(original);
  expect(leftovers()).toEqual([]);
}

describe('an update', () => {
  test('upgrades the image, and a second one finds nothing to do', async () => {
    const report = await updateOrFail();
    expect(report).toMatchObject({
      outcome: 'updated',
      generation: 1,
      before: { digest: original },
      changes: [{ name: 'app', from: '1.0', to: '2.0' }],
    });
    expect(await digestOf(image)).toBe(report.after.digest);
    expect(await readGuestFile(image, '/usr/share/app/version')).toBe('2.0\n');
    const second = await updateOrFail();
    expect(second).toMatchObject({ outcome: 'nothing_to_do', changes: [], generation: null });
    expect(await digestOf(image)).toBe(report.after.digest);
    expect(JSON.parse((await coldpatch(['generations', image, '--json'])).stdout)).toHaveLength(1);
    expect(leftovers()).toEqual([]);
  });

  test('keeps the owner, the mode and the extended attributes of the image file', async () => {
    chownSync(image, nobody, nobody);
    chmodSync(image, 0o604);
    const note = ['-n', 'user.note', '-v', 'kept'];
    await runProgramOrFail({ file: 'setfattr', args: [...note, image], timeoutSeconds: 10 });
    await updateOrFail();
    const { uid, gid, mode } = statSync(image);
    expect([uid, gid, mode & 0o7777]).toEqual([nobody, nobody, 0o604]);
    const { stdout } = await runProgramOrFail({
      file: 'getfattr',
      args: ['--only-values', '-n', 'user.note', '--absolute-names', image],
      timeoutSeconds: 10,
    });
    expect(stdout).toBe('kept');
  });

  test('needs the word that the image is trusted', async () => {
    const byNamespace = ['update', image, '--engine', 'namespace'];
    await expectRefusal(await coldpatch(byNamespace), 'trust_required');
    // Else it is upgraded in the appliance, which this cache has not.
    await expectRefusal(await coldpatch(['update', image]), 'appliance_missing');
  });

  test('keeps a configuration file that the operator changed, and lists it', async () => {
    await changeGuestImage({ image, script: `echo "version = mine" > "$root${conffile}"` });
    const plan = JSON.parse((await coldpatch(['plan', image, '--json'])).stdout) as Plan;
    expect(plan.changedConffiles).toMatchObject([{ path: conffile }]);
    const { files } = await updateOrFail();
    expect(files.conflicts).toEqual([{ path: conffile, newVersion: `${conffile}.dpkg-dist` }]);
    expect(await readGuestFile(image, conffile)).toBe('version = mine\n');
    expect(await readGuestFile(image, `${conffile}.dpkg-dist`)).toBe('version = 2.0\n');
  });

  test('leaves a held package as it is, and says so', async () => {
    await changeGuestImage({ image, script: 'chroot "$root" apt-mark hold app' });
    original = await digestOf(image);
    const report = await updateOrFail();
    expect(report).toMatchObject({
      outcome: 'nothing_to_do',
      held: [{ name: 'app', version: '1.0', candidate: '2.0', reason: expect.any(String) }],
    });
    expect(await digestOf(image)).toBe(original);
  });

  test('gives package scripts no network, starts no service, and lets them write nowhere on the host', async () => {
    const outside = join(folder, 'outside');
    const { port } = new URL(server.uri);
    await offer({
      scripts: {
        postinst: [
          `if bash -c 'echo > /dev/tcp/127.0.0.1/${port}' 2>/dev/null; then echo reached > /network; fi`,
          'ls /sys/class/net > /interfaces || true',
          'printf "#!/bin/sh\\necho started > /service\\n" > /etc/init.d/app',
          'chmod 755 /etc/init.d/app',
          'update-rc.d app defaults',
          'invoke-rc.d app start',
          `mkdir -p ${outside} || true`,
        ].join('\n'),
      },
    });
    await updateOrFail();
    expect(await readGuestFile(image, '/network')).toBe('');
    expect(await readGuestFile(image, '/service')).toBe('');
    expect(await readGuestFile(image, '/etc/init.d/app')).toContain('started');
    expect((await readGuestFile(image, '/interfaces')).trim()).toMatch(/^(?:lo)?$/);
    expect(existsSync(outside)).toBe(false);
  });
});

describe('an update that cannot be carried out leaves the original as it was:', () => {
  test('a package script that fails', async () => {
    await offer({ scripts: { postinst: 'echo this one fails; exit 3' } });
    const result = await update();
    expect(result.stderr).toContain('app');
    await expectRefusal(result, 'package_script_failed');
  });

  test('a full disk in the guest, known before', async () => {
    await offer({}, { packages: [biggerThanDeclared(4096)] });
    await changeGuestImage({ image, script: fillGuest });
    original = await digestOf(image);
    await expectRefusal(await update(), 'guest_space');
  });

  test('a full disk in the guest, met while unpacking', async () => {
    await offer({}, { packages: [biggerThanDeclared(0)] });
    await changeGuestImage({ image, script: fillGuest });
    original = await digestOf(image);
    await expectRefusal(await update(), 'guest_space');
  });

  test('a full disk of the host, known before', async () => {
    const result = await updateOnSmallDisk({ megabytes: 230, format: 'raw' });
    expectError(result, 'host_space');
  });

  test('a full disk of the host, met on the way', async () => {
    await offer({ scripts: { postinst: 'head -c 120M /dev/urandom > /filler' } });
    const result = await updateOnSmallDisk({ megabytes: 350, format: 'qcow2' });
    expectError(result, 'host_space');
  });

  test('an unreachable repository', async () => {
    server.files = new Map();
    await expectRefusal(await update(), 'repository_unreachable');
  });

  test('a repository that somebody else signed', async () => {
    await offer({}, {}, workshop.makeKey('Other <other@example.org>'));
    await expectRefusal(await update(), 'repository_signature');
  });

  test('a repository that nobody signed', async () => {
    await offer({}, { form: 'unsigned' });
    await expectRefusal(await update(), 'repository_unsigned');
  });

  test('an expired repository', async () => {
    const day = 24 * 3600 * 1000;
    await offer({}, { date: new Date(Date.now() - 3 * day), validUntil: new Date(Date.now() - day) });
    await expectRefusal(await update(), 'repository_stale');
    expect(await update({}, '--allow-stale')).toMatchObject({ exitCode: 0 });
  });

  test('a package that is not the one that was signed', async () => {
    const name = [...server.files.keys()].find((path) => path.endsWith('.deb')) ?? '';
    const bytes = Buffer.from(server.files.get(name) ?? '');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    server.files.set(name, bytes);
    await expectRefusal(await update(), 'package_corrupt');
  });

  test('a truncated image', async () => {
    const whole = join(folder, 'images/whole.qcow2');
    await runProgramOrFail({
      file: 'qemu-img',
      args: ['convert', '-O', 'qcow2', image, whole],
      timeoutSeconds: 60,
    });
    rmSync(image);
    image = whole;
    truncateSync(image, Math.floor(statSync(image).size / 2 / 65_536) * 65_536);
    original = await digestOf(image);
    await expectRefusal(await update(), 'image_truncated');
  });

  test('an image without a known system', async () => {
    truncateSync(image, 0);
    truncateSync(image, 16 * megabyte);
    original = await digestOf(image);
    await expectRefusal(await update(), 'system_unknown');
  });

  test('a machine that crashed', async () => {
    await runProgramOrFail({
      file: 'debugfs',
      args: ['-w', '-R', 'feature needs_recovery', `${image}?offset=1048576`],
      timeoutSeconds: 20,
    });
    original = await digestOf(image);
    await expectRefusal(await update(), 'guest_unclean');
  });

  test('an image in use', async () => {
    const qemu = spawn('qemu-io', ['-f', 'raw', image], { stdio: ['pipe', 'pipe', 'inherit'] });
    qemu.stdin.write('length\n');
    await once(createInterface({ input: qemu.stdout }), 'line');
    const result = await update();
    await ended(qemu);
    await expectRefusal(result, 'image_in_use');
  });

  test('an image that others are built on', async () => {
    await runProgramOrFail({
      file: 'qemu-img',
      args: ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'raw', join(folder, 'images/child.qcow2')],
      timeoutSeconds: 20,
    });
    await expectRefusal(await update(), 'image_backs_others');
  });

  test('a link to the image that others can change', async () => {
    const link = join(folder, 'link.raw');
    symlinkSync(image, link);
    lchownSync(link, nobody, nobody);
    await expectRefusal(await coldpatch(['update', link, '--trust-image']), 'image_link_unsafe');
  });

  test('an original that was written in the meantime', async () => {
    await offer({ scripts: { postinst: 'sleep 2' } });
    const result = await update({
      onStderr: whenFirst(/^copy: /m, () => {
        const file = openSync(image, 'r+');
        writeSync(file, 'written by the machine', 512 * 1024);
        closeSync(file);
        original = '';
      }),
    });
    expectError(result, 'image_changed');
    expect(await versionInImage()).toBe('1.0');
    expect(leftovers()).toEqual([]);
  });

  test('an operator who interrupts', async () => {
    await offer({ scripts: { postinst: 'sleep 20' } });
    const result = await update({ onStderr: whenFirst(/^copy: /m, (child) => child.kill('SIGINT')) });
    expect(result.exitCode).not.toBe(0);
    expect(await digestOf(image)).toBe(original);
    expect(leftovers()).toEqual([]);
  });
});

describe('kill -9', () => {
  const phases = ['lock', 'inspect', 'plan', 'packages', 'copy', 'upgrade', 'record', 'verify'];

  test.each(phases)('after the phase %s leaves the original, and the next run cleans up', async (step) => {
    await killAt(step);
    expect(await digestOf(image)).toBe(original);
    // This run ends early, but not before it has tidied up.
    server.files = new Map();
    await expectRefusal(await update(), 'repository_unreachable');
  });

  // Only a rollback takes the step `consumed`.
  const steps = [...journalSteps.filter((step) => step !== 'consumed'), 'promote'];

  test.each(steps)('at the step %s loses nothing, and the next run finishes or undoes it', async (step) => {
    await killAt(step);
    server.files = new Map();
    expectError(await update(), 'repository_unreachable');
    expect(leftovers()).toEqual([]);
    const generations = JSON.parse((await coldpatch(['generations', image, '--json'])).stdout) as unknown[];
    if ((await digestOf(image)) === original) {
      expect(generations).toEqual([]);
      return;
    }
    expect(await versionInImage()).toBe('2.0');
    expect(generations).toMatchObject([{ number: 1, sha256: original }]);
    expect(await coldpatch(['rollback', image])).toMatchObject({ exitCode: 0 });
    expect(await digestOf(image)).toBe(original);
  });

  async function killAt(step: string): Promise<void> {
    const result = await update({ environment: { COLDPATCH_TEST: '1', COLDPATCH_CRASH_AT: step } });
    expect({ step, signal: result.signal }).toEqual({ step, signal: 'SIGKILL' });
  }
});

/** A package of 60 MiB that says that it needs `kibibytes`. */
function biggerThanDeclared(kibibytes: number) {
  const files = { '/usr/share/app/big': Buffer.alloc(60 * megabyte, 'big') };
  const made = makePackageFixture(app('2.0', { files, conffiles: [] }));
  const size = kibibytes === 0 ? '' : `Installed-Size: ${kibibytes * 1024}\n`;
  return { ...made, stanza: `${made.stanza}${size}` };
}

/** Leaves some 8 MiB free, root's reserve included. */
const fillGuest = [
  'free=$(stat -f -c "%f * %S / 1048576" "$root")',
  'fallocate -l $(( $(echo $(( free ))) - 8 ))M "$root/filler"',
].join('\n');

interface SmallDisk {
  readonly megabytes: number;
  readonly format: 'raw' | 'qcow2';
}

/** The image alone on a filesystem of this size, which only this run sees. */
async function updateOnSmallDisk({ megabytes, format }: SmallDisk): Promise<CommandResult> {
  const disk = join(folder, 'host-disk');
  const mount = join(folder, 'host');
  mkdirSync(mount);
  writeFileSync(disk, '');
  truncateSync(disk, megabytes * megabyte);
  await runProgramOrFail({
    file: 'mke2fs',
    args: ['-q', '-F', '-t', 'ext4', '-m', '0', disk],
    timeoutSeconds: 60,
  });
  const inside = join(mount, `small.${format}`);
  const steps = [
    `mount -o loop ${disk} ${mount}`,
    format === 'raw'
      ? `cp --sparse=always ${image} ${inside}`
      : `qemu-img convert -O qcow2 ${image} ${inside}`,
    `before=$(sha256sum < ${inside})`,
    `${coldpatchProgram} update ${inside} --trust-image; code=$?`,
    `[ "$before" = "$(sha256sum < ${inside})" ] || echo the original is another one >&2`,
    `[ -z "$(ls -A ${mount}/.coldpatch/small.${format}/work)" ] || echo something was left >&2`,
    'exit $code',
  ];
  const result = await runInMountNamespace(steps.join('\n'));
  expect(result.stderr).not.toMatch(/the original is another one|something was left/);
  return result;
}

function runInMountNamespace(script: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['--mount', '--propagation=slave', 'bash', '-c', script], {
      env: { ...process.env, COLDPATCH_CACHE_DIRECTORY: cache },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const text = { stdout: '', stderr: '' };
    child.stdout.on('data', (bytes: Buffer) => (text.stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (text.stderr += bytes.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ exitCode: code ?? -1, signal, ...text }));
  });
}

/** Calls `act` when the text matches for the first time. */
function whenFirst(
  pattern: RegExp,
  act: (child: ChildProcess) => void,
): (text: string, child: ChildProcess) => void {
  let done = false;
  return (text, child) => {
    if (done || !pattern.test(text)) return;
    done = true;
    act(child);
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const end = once(child, 'close');
  child.kill();
  await end;
}
