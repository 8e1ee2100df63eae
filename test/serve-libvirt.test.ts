/** A server and a libvirt: an image of a domain, on a base in another source, from found to upgraded and rolled back. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importFeed } from '../src/app/advisories.ts';
import { rollBackImage } from '../src/app/rollback.ts';
import { type RunningServer, startServer } from '../src/app/serve.ts';
import { policySchema, serverSchema } from '../src/config/server-schema.ts';
import { digestFile } from '../src/lib/digest-file.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { copyGuestImage, imageCacheDirectory } from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
import { type OwnLibvirtd, startOwnLibvirtd } from './support/own-libvirtd.ts';
import { makePackageFixture, type PackageFixture } from './support/package-fixture.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  serve,
  type Workshop,
} from './support/signed-repository.ts';

const caller = { tokenId: 'test', name: 'test', role: 'admin', sources: undefined } as const;
const patience = { timeout: 15 * 60_000, interval: 200 };
const signal = new AbortController().signal;
const automatic = {
  upgrade: 'automatic',
  trustImages: true,
  minimumSeverity: 'high',
  neverTouch: ['kept*'],
  keepGenerations: 1,
} as const;
const closed = [{ cron: '0 0 29 2 *', timeZone: 'UTC', minutes: 1 }];

let workshop: Workshop;
let repository: RepositoryServer;
let libvirtd: OwnLibvirtd;
let folder: string;
let disk: string;
let server: RunningServer;
let config: Parameters<typeof startServer>[0];
const faults: Error[] = [];

function versioned(name: string, version: string): PackageFixture {
  return { name, version, files: { [`/usr/share/${name}/version`]: `${version}\n` } };
}

beforeAll(async () => {
  workshop = openWorkshop();
  const key = workshop.makeKey('Archive <archive@example.org>');
  repository = await serve();
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'serve-libvirt-')));
  const [golden, pool, files] = ['golden', 'pool', 'files'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [golden, pool, files]) mkdirSync(path);
  const base = join(golden, 'base.raw');
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), base);
  const names = ['app', 'kept-back'];
  await installInImage({
    image: base,
    key: key.publicKey,
    uri: repository.uri,
    packages: names.map((name) => versioned(name, '1.0')),
  });
  disk = join(pool, 'web.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', disk]);
  repository.files = await publish(key, {
    packages: names.map((name) => makePackageFixture(versioned(name, '2.0'))),
  });

  libvirtd = await startOwnLibvirtd(folder);
  libvirtd.virsh('pool-create-as', '--name', 'vms', '--type', 'dir', '--target', pool);
  libvirtd.defineDomain('web', disk);

  config = {
    cacheDirectory: join(folder, 'cache'),
    stateDirectory: join(folder, 'state'),
    generations: { defaults: {}, machines: {} },
    imageDirectories: [],
    upgradeSeconds: 3600,
    kvmProbeSeconds: 1,
  };
  const feed = join(files, 'tracker.json');
  const open = (urgency: string) => ({
    releases: {
      bookworm: { repositories: { bookworm: '2.0' }, status: 'resolved', fixed_version: '2.0', urgency },
    },
  });
  writeFileSync(
    feed,
    JSON.stringify({ app: { 'CVE-2026-0001': open('high'), 'CVE-2026-0002': open('low') } }),
  );
  await importFeed(config, { format: 'debian-tracker', source: feed, onProgress: () => undefined, signal });
  const settings = serverSchema.parse({
    sources: [
      { id: 'golden', kind: 'folder', directory: golden },
      {
        id: 'vms',
        kind: 'libvirt',
        uri: libvirtd.uri,
        pools: ['vms'],
        policy: { ...automatic, windows: closed },
      },
    ],
  });
  server = await startServer(config, settings, { onFault: (error) => faults.push(error as Error) });
});

afterAll(async () => {
  await server.stop();
  await libvirtd.stop();
  await repository.close();
  workshop.end();
  rmSync(folder, { recursive: true, force: true });
  if (faults[0]) throw faults[0];
});

async function image() {
  const [found] = await server.application.images(caller, { source: 'vms' }, { limit: 2 });
  return found;
}

async function upgrades() {
  return server.application.runs(caller, { kind: 'upgrade' }, { limit: 9 });
}

const open = async (advisory: string): Promise<number> =>
  (await server.application.images(caller, { source: 'vms', advisory }, { limit: 9 })).length;

test('an image is found with its base in another source, compared and planned, and waits for its window', async () => {
  // Its base may be listed after it: then it is listed again.
  await expect.poll(async () => (await image())?.problem, patience).toBe(null);
  expect(await image()).toMatchObject({ locator: disk, owner: 'web', role: 'leaf' });
  await expect.poll(async () => (await upgrades())[0]?.outcome ?? '', patience).toContain('waits_for_window');
  expect((await upgrades())[0]).toMatchObject({ state: 'queued', error_code: null });
  expect(await image()).toMatchObject({ outdated: 1, vulnerabilities: 2, urgent: 1 });
  expect([await open('CVE-2026-0001'), await open('CVE-2026-0002'), await open('CVE-2026-0003')]).toEqual([
    1, 1, 0,
  ]);
  const [base] = await server.application.images(caller, { source: 'golden' }, { limit: 2 });
  expect(base).toMatchObject({ role: 'base' });
});

test('a domain that is paused keeps its image from being upgraded', async () => {
  libvirtd.virsh('start', '--paused', '--domain', 'web');
  try {
    const wanted = policySchema.parse({ ...automatic, windows: [] });
    await server.application.setPolicy(caller, 'vms', { wanted, expected: 0 });
    await expect.poll(async () => (await upgrades())[0]?.error_code, patience).toBe('image_in_use');
    expect((await upgrades())[0]?.error_message).toContain('web');
    const [run] = await upgrades();
    await server.application.cancel(caller, run?.id ?? '');
  } finally {
    libvirtd.virsh('destroy', '--domain', 'web');
  }
});

test('within its window it is upgraded, but for what is never touched, and is open to nothing more', async () => {
  const id = (await image())?.id ?? '';
  const { id: runId } = await server.application.startRun(caller, id, { kind: 'upgrade' });
  const ended = async (): Promise<string> => (await server.application.run(caller, runId)).state;
  await expect.poll(ended, patience).not.toMatch(/queued|running/);
  expect(await server.application.run(caller, runId)).toMatchObject({ state: 'done', error_code: null });
  expect(await image()).toMatchObject({ outdated: 0, vulnerabilities: 0, urgent: 0 });
  expect(await open('CVE-2026-0001')).toBe(0);
  const versions = async (name: string, below: string): Promise<number> =>
    (await server.application.images(caller, { source: 'vms', package: name, below }, { limit: 9 })).length;
  expect([await versions('app', '2.0'), await versions('kept-back', '2.0')]).toEqual([0, 1]);
  execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', disk]);

  const statement = JSON.parse(await server.application.attestation(caller, runId)) as {
    readonly payload: string;
  };
  const payload = Buffer.from(statement.payload, 'base64').toString('utf8');
  expect(payload).toContain(await digestFile(disk, { signal }));
  expect(await server.application.generations(caller, id)).toMatchObject([{ run_id: runId }]);
});

test('what somebody rolled back on the host is held, and is not upgraded again by itself', async () => {
  const before = (await upgrades()).length;
  await rollBackImage(config, {
    image: { path: disk, format: 'qcow2', backing: [join(folder, 'golden/base.raw')] },
    signal,
  });
  await server.application.collect(caller, 'vms');
  await expect.poll(async () => (await image())?.held, patience).toBe('rolled_back');
  const idle = async (): Promise<boolean> =>
    (await server.application.runs(caller, {}, { limit: 100 })).every(
      ({ state }) => !/queued|running/.test(state),
    );
  await expect.poll(idle, patience).toBe(true);
  const after = await upgrades();
  expect(after.slice(0, after.length - before).map(({ outcome }) => outcome)).toEqual([
    expect.stringContaining('rolled_back') as string,
  ]);
  expect(await open('CVE-2026-0001')).toBe(1);
});
