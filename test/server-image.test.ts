/** The main job on a real server image, with foreign programs as the judge: apt in a chroot, e2fsck, qemu-img, the guest. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Inspection } from '../src/guest/inspection.ts';
import { runProgram, runProgramOrFail } from '../src/lib/run-program.ts';
import type { Plan } from '../src/patch/plan.ts';
import type { Scan } from '../src/upgrades/matching/scan.ts';
import { type Report, reportSchema } from '../src/patch/report.ts';
import { makeServerImage, type ServerImage } from '../tools/images/make-server-image.ts';
import { withBootedGuest } from './support/booted-guest.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import { runNaively } from './support/naive-upgrade-fixture.ts';

let server: ServerImage;
let folder: string;
let image: string;
let original: string;
let before: Inspection;
let plan: Plan;
let report: Report;

beforeAll(async () => {
  server = await makeServerImage({ cacheDirectory: imageCacheDirectory, log: console.log });
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'server-')));
  image = join(folder, 'till-17.qcow2');
  await copyGuestImage(server.path, image);
  chmodSync(image, 0o640);
  original = await digestOf(image);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function coldpatch(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runColdpatch({ args });
  if (exitCode === 0) return stdout;
  throw new Error(
    `Expected coldpatch ${args.join(' ')} to succeed, but it ended with ${exitCode}: ${stderr}`,
  );
}

/** By a foreign program. */
async function digestOf(path: string): Promise<string> {
  const { stdout } = await runProgramOrFail({ file: 'sha256sum', args: ['-b', path], timeoutSeconds: 120 });
  return stdout.slice(0, 64);
}

async function inspect(path: string, ...more: readonly string[]): Promise<Inspection> {
  return JSON.parse(await coldpatch('inspect', path, '--json', ...more)) as Inspection;
}

/** `work` gets the root filesystem in the notation of e2fsprogs. */
async function withRawDisk(work: (filesystem: string) => Promise<void>): Promise<void> {
  const raw = join(folder, 'disk.raw');
  await runProgramOrFail({
    file: 'qemu-img',
    args: ['convert', '-O', 'raw', image, raw],
    timeoutSeconds: 120,
  });
  await work(`${raw}?offset=1048576`);
  rmSync(raw);
}

async function copyFromDisk(path: string, to: string): Promise<void> {
  await withRawDisk(async (filesystem) => {
    await runProgramOrFail({
      file: 'debugfs',
      args: ['-R', `dump ${path} ${to}`, filesystem],
      timeoutSeconds: 60,
    });
  });
}

test('the image is read', async () => {
  before = await inspect(image);
  expect(before).toMatchObject({
    operatingSystem: { id: 'debian', versionId: '12' },
    identity: { hostName: server.hostName },
    boot: { loader: 'grub' },
    state: { clean: true },
    gaps: [],
  });
  expect(before.packages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['nginx', 'postgresql', 'openssh-server']),
  );
  expect(before.kernels).toHaveLength(1);
});

test('the plan brings a new kernel, and changes nothing', async () => {
  plan = JSON.parse(await coldpatch('plan', image, '--json')) as Plan;
  expect(plan.changes.length).toBeGreaterThan(5);
  expect(plan.changes.filter(({ from }) => from === null).map(({ name }) => name)).toContainEqual(
    expect.stringMatching(/^linux-image-\d/),
  );
  expect(plan.held).toEqual([]);
  expect(await digestOf(image)).toBe(original);
});

async function scan(...more: readonly string[]): Promise<Scan> {
  return JSON.parse(await coldpatch('scan', image, '--json', ...more)) as Scan;
}

test('the scan names just what apt would upgrade, and what the changelogs say that this fixes', async () => {
  const found = await scan();
  const lagging = found.packages.filter(({ available }) => available !== null);
  const upgraded = plan.changes.filter(({ from, to }) => from !== null && to !== null);
  const byName = (a: string, b: string) => a.localeCompare(b);
  expect(lagging.map(({ name }) => name).toSorted(byName)).toEqual(
    upgraded.map(({ name }) => name).toSorted(byName),
  );
  expect(lagging.filter(({ changesKnown }) => !changesKnown)).toEqual([]);
  const kernel = lagging.find(({ name }) => name === 'linux-image-amd64');
  expect(kernel?.vulnerabilities.length).toBeGreaterThan(10);
  const { installed, vulnerabilities } = lagging.find(({ name }) => name === 'openssl') ?? fail();
  expect(vulnerabilities.map(({ id }) => id).toSorted(byName)).toEqual(
    await fixedInPool('openssl', installed),
  );
  await expect(coldpatch('scan', image, '--fail-on', 'high', '--offline')).rejects.toThrow('ended with 4');
});

function fail(): never {
  throw new Error('Expected openssl among the packages that lag.');
}

/** By other programs: the numbers in the changelog above the heading of the installed version. */
async function fixedInPool(name: string, installed: string): Promise<readonly string[]> {
  const script = `for deb in "$1"/*/*.deb; do
      [ "$(dpkg-deb -f "$deb" Package Version)" = "Package: $2
Version: $3" ] || continue
      dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/share/doc/$2/changelog.Debian.gz" | zcat
    done | sed "/^$2 ($4)/,\\$d" | grep -o 'CVE-[0-9]*-[0-9]*' | sort -u`;
  const { to } = plan.changes.find((change) => change.name === name) ?? fail();
  const pool = '/var/cache/coldpatch/pool/sha256';
  const { stdout } = await runProgramOrFail({
    file: 'sh',
    args: ['-c', script, 'sh', pool, name, to ?? '', installed],
    timeoutSeconds: 120,
  });
  return stdout
    .trim()
    .split('\n')
    .toSorted((a, b) => a.localeCompare(b));
}

test('the update says what it did', async () => {
  const file = join(folder, 'report.json');
  const printed: unknown = JSON.parse(
    await coldpatch('update', image, '--trust-image', '--json', '--report', file),
  );
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(printed);
  report = reportSchema.parse(printed);
  rmSync(file);
  expect(report).toMatchObject({ outcome: 'updated', before: { digest: original }, generation: 1 });
  expect(report.changes).toEqual(plan.changes);
  expect(report.verification.length).toBeGreaterThan(4);
  expect(report.verification.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.kernels).toMatchObject({ initramfsBuilt: [expect.any(String)], bootMenuWritten: true });
  expect(await digestOf(image)).toBe(report.after.digest);
  expect(statSync(image).mode & 0o777).toBe(0o640);
});

test('after the update the scan finds nothing that lags', async () => {
  expect((await scan('--offline')).packages).toEqual([]);
  expect(await coldpatch('scan', image, '--offline', '--fail-on', 'any')).toContain(
    'newest published version',
  );
});

test('every package and every file of the initramfs is what apt in a chroot brings', async () => {
  const naive = join(folder, 'naive.qcow2');
  const directory = join(folder, 'naive');
  const shared = join(directory, 'shared');
  mkdirSync(shared, { recursive: true });
  const after = await inspect(image);
  const initramfs = after.kernels.find(({ bootsByDefault }) => bootsByDefault)?.initramfs ?? '';
  await copyFromDisk(initramfs, join(shared, 'ours'));
  await runProgramOrFail({
    file: 'qemu-img',
    args: ['create', '-q', '-f', 'qcow2', '-b', server.path, '-F', 'qcow2', naive],
    timeoutSeconds: 20,
  });
  const list = (path: string, to: string) => `lsinitramfs ${path} | sort > /mnt/${to}`;
  const expected = await runNaively({
    image: naive,
    directory,
    command: [
      'apt-get update -q',
      'apt-get dist-upgrade -y -q',
      list('/mnt/ours', 'ours.list'),
      list(initramfs, 'its-own.list'),
    ].join('\n'),
  });
  const [ours, itsOwn] = ['ours.list', 'its-own.list'].map((name) =>
    readFileSync(join(shared, name), 'utf8'),
  );
  rmSync(naive);
  rmSync(directory, { recursive: true });
  const found = after.packages.map(({ name, architecture, version }) => `${name} ${architecture} ${version}`);
  expect(found.toSorted()).toEqual(expected);
  expect(found).not.toEqual(
    before.packages.map(({ name, architecture, version }) => `${name} ${architecture} ${version}`),
  );
  expect(ours?.split('\n')).toEqual(itsOwn?.split('\n'));
  expect(ours).toContain('fsck.ext4');
  expect(ours).toContain('logsave');
});

test('the identity is the one it had', async () => {
  expect((await inspect(image)).identity).toEqual(before.identity);
});

test('qemu-img and e2fsck find nothing wrong', async () => {
  expect(await runProgram({ file: 'qemu-img', args: ['check', image], timeoutSeconds: 60 })).toMatchObject({
    exitCode: 0,
  });
  await withRawDisk(async (filesystem) => {
    const args = ['-f', '-n', filesystem];
    expect(await runProgram({ file: 'e2fsck', args, timeoutSeconds: 120 })).toMatchObject({ exitCode: 0 });
  });
});

test('it starts with the new kernel from its own boot loader, and would itself write the same boot menu', async () => {
  const { rootPassword } = server;
  const kernel = (await inspect(image)).kernels.find(({ bootsByDefault }) => bootsByDefault)?.release;
  expect(kernel).not.toBe(before.kernels[0]?.release);
  await withBootedGuest({ image, format: 'qcow2', rootPassword }, async (guest) => {
    expect((await guest.runOrFail('uname -r')).trim()).toBe(kernel);
    // The login prompt comes before the last services.
    await guest.run('systemctl is-system-running --wait', 180);
    const services = await guest.run('systemctl is-active ssh nginx postgresql php8.2-fpm');
    expect(services.output.trim().split('\n')).toEqual(['active', 'active', 'active', 'active']);

    await guest.runOrFail('cp /boot/grub/grub.cfg /root/grub.cfg && update-grub', 120);
    expect(await guest.run('diff /root/grub.cfg /boot/grub/grub.cfg')).toEqual({ exitCode: 0, output: '' });
    await guest.powerOff();
  });
});

test('the rollback brings back the original byte for byte', async () => {
  expect(JSON.parse(await coldpatch('generations', image, '--json'))).toMatchObject([
    { number: 1, sha256: original },
  ]);
  await coldpatch('rollback', image);
  expect(await digestOf(image)).toBe(original);
  expect(readdirSync(folder).toSorted()).toEqual(['.coldpatch', 'till-17.qcow2']);
});
