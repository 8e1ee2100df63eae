/** A system upgraded in the appliance whose root is a logical volume. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Inspection } from '../src/guest/inspection.ts';
import { type Report, reportSchema } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { changeGuestImage, copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import { makeLvmSystem } from './support/lvm-system.ts';
import { makePackageFixture, type PackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  type SigningKey,
  serve,
  sha256,
  type Workshop,
} from './support/signed-repository.ts';

let workshop: Workshop;
let key: SigningKey;
let server: RepositoryServer;
let folder: string;

beforeAll(async () => {
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  server = await serve();
  await coldpatch('appliance', 'build');
});
afterAll(async () => {
  workshop.end();
  await server.close();
});
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'systems-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function coldpatch(...args: readonly string[]): Promise<string> {
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: imageCacheDirectory,
    ...(folder && { COLDPATCH_STATE_DIRECTORY: join(folder, 'state') }),
  };
  const { exitCode, stdout, stderr } = await runColdpatch({ args, environment });
  if (exitCode === 0) return stdout;
  throw new Error(
    `Expected coldpatch ${args.join(' ')} to succeed, but it ended with ${exitCode}: ${stderr}`,
  );
}

async function update(image: string): Promise<Report> {
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
  expect(report.outcome).toBe('updated');
  expect(report.verification.filter(({ ok }) => !ok)).toEqual([]);
  return report;
}

async function inspect(image: string): Promise<Inspection> {
  return JSON.parse(await coldpatch('inspect', image, '--json')) as Inspection;
}

function app(version: string, more: Partial<PackageFixture> = {}): PackageFixture {
  return { name: 'app', version, files: { '/usr/share/app/version': `${version}\n` }, ...more };
}

test('a system whose root is a logical volume in two pieces, with another for /opt', async () => {
  const prepared = join(folder, 'prepared.raw');
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), prepared);
  const files = join(folder, 'files');
  mkdirSync(files);
  writeFileSync(join(files, 'app.deb'), makePackageFixture(app('1.0')).bytes);
  await changeGuestImage({
    image: prepared,
    files,
    script:
      'cp "$files/app.deb" "$root/root/"; chroot "$root" dpkg -i /root/app.deb; rm "$root/root/app.deb"',
  });
  const directory = join(folder, 'lvm');
  mkdirSync(directory);
  const image = await makeLvmSystem({ from: prepared, directory });
  const postinst = [
    'grep -q " /opt " /proc/self/mounts && mkdir /opt/app && echo 2.0 > /opt/app/version',
    'for name in mapper/my--group-root my-group/root; do test -b /dev/$name && echo $name >> /devices; done',
    // Room enough for both pieces of the root to be written to.
    'head -c 60M /dev/urandom > /usr/share/app/filler; sha256sum < /usr/share/app/filler > /usr/share/app/sum',
  ].join('\n');
  server.files = await publish(key, {
    packages: [makePackageFixture(app('2.0', { scripts: { postinst } }))],
  });
  const report = await update(image);
  expect(report.changes).toMatchObject([{ name: 'app', from: '1.0', to: '2.0' }]);
  const checks = report.verification.map(({ check }) => check);
  expect(checks).toEqual(
    expect.arrayContaining(['filesystem /', 'filesystem /opt', 'package audit', 'identity']),
  );
  const inspection = await inspect(image);
  expect(inspection.packages).toContainEqual(expect.objectContaining({ name: 'app', version: '2.0' }));
  expect(inspection.gaps).toEqual([]);
  expect((await read(image, '/devices')).toString()).toBe('mapper/my--group-root\nmy-group/root\n');
  expect((await read(image, '/opt/app/version')).toString()).toBe('2.0\n');
  const filler = await read(image, '/usr/share/app/filler');
  expect((await read(image, '/usr/share/app/sum')).toString().split(' ')[0]).toBe(sha256(filler));
});

async function read(image: string, path: string): Promise<Buffer> {
  const target = join(folder, 'read');
  await coldpatch('cp', image, path, target);
  const bytes = readFileSync(target);
  rmSync(target);
  return bytes;
}
