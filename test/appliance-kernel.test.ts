/** A server that gets a new kernel in the appliance, and is started with it to its login. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Inspection } from '../src/guest/inspection.ts';
import { reportSchema } from '../src/patch/report.ts';
import { makeServerImage, type ServerImage } from '../tools/images/make-server-image.ts';
import { withBootedGuest } from './support/booted-guest.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import {
  openWorkshop,
  publish,
  type PublishedPackage,
  type RepositoryServer,
  type SigningKey,
  serve,
  sha256,
  type Workshop,
} from './support/signed-repository.ts';

let workshop: Workshop;
let key: SigningKey;
let server: RepositoryServer;
let machine: ServerImage;
let folder: string;
let image: string;

beforeAll(async () => {
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  server = await serve();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'kernel-')));
  machine = await makeServerImage({ cacheDirectory: imageCacheDirectory, log: console.log });
  image = join(folder, 'server.qcow2');
  await copyGuestImage(machine.path, image);
  await coldpatch('appliance', 'build');
  server.files = await publish(key, { packages: kernelPackages() });
});
afterAll(async () => {
  workshop.end();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function coldpatch(...args: readonly string[]): Promise<string> {
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: imageCacheDirectory,
    COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
    // Emulated, beside whatever else the host does.
    COLDPATCH_UPGRADE_SECONDS: '7200',
  };
  const { exitCode, stdout, stderr } = await runColdpatch({ args, environment });
  if (exitCode === 0) return stdout;
  throw new Error(
    `Expected coldpatch ${args.join(' ')} to succeed, but it ended with ${exitCode}: ${stderr}`,
  );
}

/** The kernel that the host's own repositories offer today, and the package that asks for it. */
function kernelPackages(): readonly PublishedPackage[] {
  const depends = execFileSync('apt-cache', ['depends', '--important', 'linux-image-amd64'], {
    encoding: 'utf8',
  });
  const [, name = ''] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
  const packages = join(folder, 'packages');
  execFileSync('mkdir', [packages]);
  execFileSync('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', 'linux-image-amd64', name], {
    cwd: packages,
    stdio: 'pipe',
  });
  return readdirSync(packages).map((file) => {
    const bytes = readFileSync(join(packages, file));
    const control = execFileSync('dpkg-deb', ['--field', join(packages, file)], { encoding: 'utf8' });
    const path = `pool/${file.replaceAll(/[^\w.+-]/g, '_')}`;
    const place = `Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
    return { path, bytes, stanza: `${control}${place}` };
  });
}

async function kernelsOf(path: string): Promise<readonly string[]> {
  const inspection = JSON.parse(await coldpatch('inspect', path, '--json')) as Inspection;
  return inspection.kernels.map(({ release }) => release);
}

test(
  'a server gets a new kernel, and starts with it to its login',
  async () => {
    const [before = ''] = await kernelsOf(image);
    const keyring = join(folder, 'archive.gpg');
    writeFileSync(keyring, key.publicKey);
    const repository = `deb [signed-by=${keyring}] ${server.uri} stable main`;
    const printed = await coldpatch(
      'update',
      image,
      '--engine',
      'appliance',
      '--repository',
      repository,
      '--json',
    );
    const report = reportSchema.parse(JSON.parse(printed));
    expect(report.verification.filter(({ ok }) => !ok)).toEqual([]);
    const added = report.changes.find(({ name, from }) => from === null && name.startsWith('linux-image-'));
    const release = added?.name.slice('linux-image-'.length) ?? '';
    expect(release).not.toBe('');
    expect(await kernelsOf(image)).toEqual(expect.arrayContaining([before, release]));
    await withBootedGuest(
      { image, format: 'qcow2', rootPassword: machine.rootPassword, startTimeoutSeconds: 1200 },
      async (guest) => {
        expect((await guest.runOrFail('uname -r')).trim()).toBe(release);
        expect((await guest.runOrFail('dpkg --audit', 300)).trim()).toBe('');
        // The guest's own GRUB writes the same menu, byte for byte.
        const menu = 'sha256sum < /boot/grub/grub.cfg';
        const written = await guest.runOrFail(menu);
        await guest.runOrFail('update-grub', 600);
        expect(await guest.runOrFail(menu)).toBe(written);
      },
    );
  },
  3 * 3_600_000,
);
