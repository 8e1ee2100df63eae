/** Boot tests of machines that start, and of machines that do not; with real firmware, boot loaders, kernels and vTPMs. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Diagnosis } from '../src/machines/host/diagnose-host.ts';
import type { BootTestReport, Report } from '../src/patch/report.ts';
import { makeServerImage } from '../tools/images/make-server-image.ts';
import { bootSectorDisk } from './support/boot-sector.ts';
import { type CommandOptions, type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { imageCacheDirectory } from './support/guest-image.ts';
import { makePackageFixture } from './support/package-fixture.ts';
import { hostKernel } from './support/host-kernel.ts';
import { makeShowingImage } from './support/showing-image.ts';
import { openWorkshop, publish, serve } from './support/signed-repository.ts';
import { withTpm } from './support/tpm-session.ts';

/** Nobody's number, and nobody's group. */
const user = 60_124;
const pngMagic = '89504e470d0a1a0a';

let folder: string;

beforeAll(async () => {
  chmodSync(tmpdir(), 0o711);
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'boot-test-')));
  chmodSync(folder, 0o711);
  const { exitCode, stderr } = await coldpatch(['appliance', 'build']);
  if (exitCode !== 0) throw new Error(stderr);
});
afterAll(() => rmSync(folder, { recursive: true }));

function coldpatch(
  args: readonly string[],
  options: Pick<CommandOptions, 'onStderr' | 'environment' | 'user'> = {},
): Promise<CommandResult> {
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: imageCacheDirectory,
    COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
    ...options.environment,
  };
  return runColdpatch({ args, ...options, environment });
}

async function bootTest(...args: readonly string[]): Promise<BootTestReport> {
  const { exitCode, stdout, stderr } = await coldpatch(['boot-test', '--json', ...args]);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as BootTestReport;
  expect(exitCode).toBe(report.outcome === 'passed' ? 0 : 4);
  return report;
}

function digestOf(path: string): string {
  return execFileSync('sha256sum', ['-b', path], { encoding: 'utf8' }).slice(0, 64);
}

/** Names beside an image, and what runs left in its state directory. */
function expectNothingLeft(image: string): void {
  expect(readdirSync(`${join(image, '..')}/.coldpatch/${image.split('/').at(-1)}/work`)).toEqual([]);
}

test('an ordinary user finds a machine with a vTPM and without a boot loader, with its evidence', async () => {
  const own = join(folder, 'own');
  const image = join(own, 'empty.raw');
  const tpm = join(own, 'tpm');
  mkdirSync(tpm, { recursive: true });
  writeFileSync(image, Buffer.alloc(1024 * 1024));
  await withTpm(`dir=${tpm}`, folder, () => undefined);
  execFileSync('chown', ['-R', `${user}:${user}`, own]);
  const asUser = (args: readonly string[]): Promise<CommandResult> =>
    coldpatch(args, {
      user,
      environment: { COLDPATCH_STATE_DIRECTORY: join(own, 'state'), HOME: own, TMPDIR: '/tmp' },
    });
  const added = await asUser(['machine', 'add', 'mine', '--disk', image, '--tpm', tpm]);
  expect(added.stderr).toBe('');
  const { stdout, stderr } = await asUser(['boot-test', '--json', '--machine', 'mine']);
  expect(stderr).not.toContain('coldpatch: error');
  const report = JSON.parse(stdout) as BootTestReport;
  expect(report).toMatchObject({
    outcome: 'failed',
    firmware: 'bios',
    boots: [{ label: 'image', verdict: 'no_boot_loader', notAsked: 'no root of a system was found' }],
  });
  expect(report.evidence).toBe(join(own, '.coldpatch/empty.raw/boot-test'));
  const read = (name: string): Buffer => readFileSync(join(report.evidence, name));
  expect(read('image-firmware.txt').toString()).toContain('No bootable device');
  expect(read('image-screen.png').toString('hex', 0, 8)).toBe(pngMagic);
  expect(readFileSync(image)).toEqual(Buffer.alloc(1024 * 1024));
  expectNothingLeft(image);
});

test('a kernel that goes no further has no login in time, and an evidence folder is filled once', async () => {
  const image = join(folder, 'hangs.raw');
  writeFileSync(image, bootSectorDisk('Linux version 6.1.0 (it hangs)\r\n'));
  const evidence = join(folder, 'evidence');
  const args = [image, '--time-limit', '12', '--evidence', evidence];
  expect((await bootTest(...args)).boots).toMatchObject([{ verdict: 'no_login' }]);
  expect(readFileSync(join(evidence, 'image-console.txt'), 'utf8')).toContain('it hangs');
  expect(await coldpatch(['boot-test', ...args])).toMatchObject({ exitCode: 2 });
  expect(await coldpatch(['boot-test', image, '--probe', 'tcp:80'])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('probe_impossible') as string,
  });
  expectNothingLeft(image);
});

test('a machine with UEFI and vTPM is tested on clones of both; its kernel panics', async () => {
  const disk = join(folder, 'uefi.raw');
  const startup = join(folder, 'startup.nsh');
  writeFileSync(startup, 'fs0:\\linux.efi console=ttyS0 panic=0\r\n');
  writeFileSync(disk, '');
  truncateSync(disk, 64 * 1024 ** 2);
  execFileSync('sfdisk', ['-q', disk], { input: 'label: gpt\nstart=2048, type=U\n' });
  execFileSync('mkfs.fat', ['--offset', '2048', disk, '60000'], { stdio: 'ignore' });
  execFileSync('mcopy', ['-i', `${disk}@@1048576`, hostKernel().path, '::/linux.efi']);
  execFileSync('mcopy', ['-i', `${disk}@@1048576`, startup, '::/startup.nsh']);
  const variables = join(folder, 'variables.fd');
  copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd', variables);
  const tpm = join(folder, 'tpm');
  mkdirSync(tpm);
  await withTpm(`dir=${tpm}`, folder, () => undefined);
  const parts = [disk, variables, join(tpm, 'tpm2-00.permall')];
  const add = ['--disk', disk, '--image-format', 'raw', '--uefi-vars', variables, '--tpm', tpm];
  expect(await coldpatch(['machine', 'add', 'web', ...add, '--tpm-model', 'tpm-crb'])).toMatchObject({
    exitCode: 0,
  });
  const before = parts.map(digestOf);

  const report = await bootTest('--machine', 'web');
  expect(report).toMatchObject({
    firmware: 'uefi',
    boots: [{ verdict: 'kernel_panic', detail: expect.stringContaining('not syncing: VFS') as string }],
  });
  // The firmware has measured into the TPM, and the kernel was given its log.
  expect(readFileSync(join(report.evidence, 'image-console.txt'), 'utf8')).toContain('TPMEventLog=');
  expect(parts.map(digestOf)).toEqual(before);
  expectNothingLeft(disk);
});

test('a server comes up from its own boot loader, and says so from inside', async () => {
  const server = await makeServerImage({ cacheDirectory: imageCacheDirectory, log: console.log });
  const image = join(folder, 'server.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', server.path, '-F', 'qcow2', image]);
  const before = digestOf(image);
  const probes = ['tcp:80', 'command:systemctl is-active nginx postgresql'];
  const report = await bootTest(
    image,
    '--backing',
    server.path,
    ...probes.flatMap((probe) => ['--probe', probe]),
  );
  expect(report).toMatchObject({
    outcome: 'passed',
    boots: [{ verdict: 'healthy', notAsked: null, failedUnits: [], failedProbes: [] }],
  });
  const read = (name: string): Buffer => readFileSync(join(report.evidence, name));
  expect(read('image-console.txt').toString()).toContain(`${server.hostName} login: `);
  expect(read('image-screen.png').toString('hex', 0, 8)).toBe(pngMagic);
  expect(gunzipSync(read('image-journal.export.gz')).toString()).toMatch(/^MESSAGE=Linux version /m);
  expect(digestOf(image)).toBe(before);
  expectNothingLeft(image);
});

test('a copy that does not start any more is not promoted, and one that starts is', async () => {
  const workshop = openWorkshop();
  const server = await serve();
  try {
    const key = workshop.makeKey('Archive <archive@example.org>');
    const image = join(folder, 'images', 'small.raw');
    mkdirSync(join(image, '..'));
    await makeShowingImage({
      image,
      key: key.publicKey,
      uri: server.uri,
      shown: 'small-1 login: ',
    });
    const offer = async (version: string, postinst?: string): Promise<void> => {
      const scripts = postinst === undefined ? {} : { scripts: { postinst } };
      const app = { name: 'app', version, files: { '/usr/share/app/version': version }, ...scripts };
      server.files = await publish(key, { packages: [makePackageFixture(app)] });
    };
    const update = (): Promise<CommandResult> =>
      coldpatch(['update', image, '--trust-image', '--json', '--boot-test'], {
        environment: { COLDPATCH_CACHE_DIRECTORY: cacheOfTest() },
      });
    const before = digestOf(image);
    await offer(
      '2.0',
      "#!/bin/sh\nprintf 'Kernel panic - not syncing: app broke it\\0' | dd of=/boot/shown conv=notrunc\n",
    );
    expect(await update()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /verification_failed[^]*boot test: kernel_panic: .*app broke it; the image as it was starts/,
      ) as string,
    });
    expect(digestOf(image)).toBe(before);
    const evidence = readdirSync(join(folder, 'images/.coldpatch/small.raw/boot-test'));
    expect(evidence.filter((name) => name.endsWith('console.txt'))).toEqual([
      'patched-1-console.txt',
      'patched-2-console.txt',
      'unpatched-console.txt',
    ]);
    expectNothingLeft(image);

    await offer('3.0');
    const result = await update();
    expect(result.stderr).not.toContain('coldpatch: error');
    const report = JSON.parse(result.stdout) as Report;
    expect(report.bootTest).toMatchObject({
      outcome: 'passed',
      boots: [{ label: 'patched-1', verdict: 'healthy', notAsked: 'it has no systemd' }],
    });
    expect(report.verification).toContainEqual(expect.objectContaining({ check: 'boot test', ok: true }));
    expect(digestOf(image)).toBe(report.after.digest);
  } finally {
    workshop.end();
    await server.close();
  }
});

/** Packages of the test are not for the pool that all share; the appliance is. */
function cacheOfTest(): string {
  const cache = join(folder, 'cache');
  if (!existsSync(cache)) {
    mkdirSync(cache);
    execFileSync('cp', ['-a', join(imageCacheDirectory, 'appliance'), cache]);
  }
  return cache;
}

test('a kill leaves clones, which doctor finds and removes', async () => {
  const directory = join(folder, 'killed');
  mkdirSync(directory);
  const image = join(directory, 'hangs.raw');
  writeFileSync(image, bootSectorDisk('Linux version 6.1.0 (it hangs)\r\n'));
  const work = join(directory, '.coldpatch/hangs.raw/work');
  const console = (): boolean => findFile(work, 'disk0') !== undefined;
  const killed = coldpatch(['boot-test', image], {
    onStderr: (_, child) => {
      const timer = setInterval(() => {
        if (!console()) return;
        clearInterval(timer);
        setTimeout(() => child.kill('SIGKILL'), 2000);
      }, 100);
    },
  });
  expect(await killed).toMatchObject({ signal: 'SIGKILL' });
  const doctor = async (...args: readonly string[]): Promise<Diagnosis['leftovers']> => {
    const { stdout } = await coldpatch(['doctor', directory, '--json', ...args]);
    const { leftovers } = JSON.parse(stdout) as Diagnosis;
    return leftovers.filter((left) => left.image === image);
  };
  expect(await doctor()).toMatchObject([{ kind: 'work' }]);
  expect(await doctor('--clean')).toEqual([]);
  expect(findFile(work, 'disk0')).toBeUndefined();
});

function findFile(directory: string, name: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(`/${name}`),
  );
}
