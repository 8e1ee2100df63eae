/** An update of a disk of a machine: the whole machine is kept first, and the promotion is signed. */
import {
  appendFileSync,
  copyFileSync,
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
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Attested } from '../src/app/attest.ts';
import { noDisplay } from '../src/app/server/upgrade-request.ts';
import { updateOneImage } from '../src/app/update.ts';
import { defaultConfig } from '../src/config/default-config.ts';
import { ColdpatchError } from '../src/lib/errors.ts';
import type { Report } from '../src/patch/report.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
import { makePackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  serve,
  type Workshop,
} from './support/signed-repository.ts';
import { sealSecret, unsealSecret, withTpm } from './support/tpm-session.ts';

let workshop: Workshop;
let server: RepositoryServer;
let folder: string;
let image: string;
let tpm: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'machine-update-')));
  workshop = openWorkshop();
  server = await serve();
  const key = workshop.makeKey('Archive <archive@example.org>');
  const app = (version: string) => ({ name: 'app', version, files: { '/usr/share/app/version': version } });
  image = join(folder, 'images', 'small.raw');
  mkdirSync(join(folder, 'images'));
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), image);
  await installInImage({ image, key: key.publicKey, uri: server.uri, packages: [app('1.0')] });
  server.files = await publish(key, { packages: [makePackageFixture(app('2.0'))] });
  tpm = join(folder, 'tpm');
  mkdirSync(tpm);
});

afterAll(async () => {
  workshop.end();
  await server.close();
  rmSync(folder, { recursive: true });
});

function coldpatch(...args: readonly string[]): Promise<CommandResult> {
  return runColdpatch({
    args,
    environment: {
      COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache'),
      COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
    },
  });
}

async function done(...args: readonly string[]): Promise<string> {
  const result = await coldpatch(...args);
  expect(result).toMatchObject({ exitCode: 0 });
  return result.stdout;
}

/** An update of a server's run that is somebody else's once the generation was taken. */
function updateThatIsLost(): Promise<Report> {
  let asked = 0;
  return updateOneImage(
    {
      ...defaultConfig({ environment: {}, isRoot: true }),
      cacheDirectory: join(folder, 'cache'),
      stateDirectory: join(folder, 'state'),
    },
    {
      image: { path: image },
      engine: 'namespace',
      trusted: true,
      acceptUnclean: false,
      allowStale: false,
      offline: false,
      display: noDisplay,
      signal: new AbortController().signal,
      run: {
        id: 'lost',
        assertMayPromote() {
          asked += 1;
          return asked === 1
            ? Promise.resolve()
            : Promise.reject(new ColdpatchError('state_conflict', 'Expected to have the run.'));
        },
      },
    },
  );
}

test('keeps the whole machine, is signed, goes back with its vTPM, and does not come again by itself', async () => {
  const tools = join(folder, 'tpm2-tools');
  mkdirSync(tools);
  const sealed = await withTpm(`dir=${tpm}`, tools, (tpm2) => sealSecret(tpm2, tools, 'secret'));
  await done('machine', 'add', 'small', '--disk', image, '--tpm', tpm);
  const before = readFileSync(image);

  const report = JSON.parse(await done('update', image, '--trust-image', '--json')) as Report;
  expect(report.changes).toMatchObject([{ name: 'app', from: '1.0', to: '2.0' }]);
  expect(await done('generations', 'list', 'small')).toMatch(/1 .* update .* before the update of/);

  const attested = JSON.parse(await done('attest', 'verify', image, '--json')) as Attested;
  expect(attested).toMatchObject({
    sha256: report.after.digest,
    promotion: {
      input: { digest: { sha256: report.before.digest } },
      plan: { changes: report.changes },
      repositories: report.repositories,
      verification: report.verification,
    },
  });
  // The statement goes with the image, and is checked with this host's public key alone.
  const [elsewhere, statement] = [join(folder, 'elsewhere.raw'), join(folder, 'statement.json')];
  copyFileSync(image, elsewhere);
  copyFileSync(attested.path, statement);
  const publicKey = join(folder, 'state', 'service-key.pub');
  const verify = (): Promise<CommandResult> =>
    coldpatch('attest', 'verify', elsewhere, '--statement', statement, '--key', publicKey);
  expect(await verify()).toMatchObject({ exitCode: 0 });
  appendFileSync(elsewhere, 'x');
  expect(await verify()).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('signature_invalid') as string,
  });
  expect(readdirSync(join(folder, 'state', 'machines', 'small', 'generations', '1')).toSorted()).toEqual([
    'attestation.dsse.json',
    'manifest.dsse.json',
    'tpm2-00.permall',
  ]);

  // The disk as it was before the update is an older state, although no generation was taken since.
  const patched = readFileSync(image);
  writeFileSync(image, before);
  const alone = /disk0 .* was put back by hand to generation 1|the whole machine was put back by hand/;
  for (const args of [
    ['list', 'small'],
    ['verify', 'small'],
  ]) {
    expect(await coldpatch('generations', ...args)).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(alone) as string,
    });
  }
  expect(await coldpatch('update', image, '--trust-image')).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('error machine_put_back') as string,
  });
  writeFileSync(image, patched);
  await done('generations', 'verify', 'small');

  await done('generations', 'rollback', 'small');
  expect(readFileSync(image).equals(before)).toBe(true);
  expect(await withTpm(`dir=${tpm}`, tools, (tpm2) => unsealSecret(tpm2, tools, sealed))).toBe('secret');
  expect(await coldpatch('update', image, '--trust-image')).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('update_held_back') as string,
  });
  await done('machine', 'lift', 'small');
  // The generation took long, and the run was lost meanwhile.
  const unpatched = readFileSync(image);
  await expect(updateThatIsLost()).rejects.toMatchObject({ code: 'state_conflict' });
  expect(readFileSync(image).equals(unpatched)).toBe(true);
  const again = JSON.parse(await done('update', image, '--trust-image', '--json')) as Report;
  expect(again.after.digest).not.toBe(report.before.digest);
  // Beside the disk only the newest stays: the generations of the machine have them all.
  expect(readdirSync(join(folder, 'images', '.coldpatch', 'small.raw', 'generations'))).toEqual([
    String(again.generation),
  ]);
});
