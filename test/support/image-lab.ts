/**
 * Eight real Debian images that are overlays of two bases with different packages, and a repository with newer ones.
 * The bases and half of the overlays are in a folder; the others are in a storage pool of a libvirtd.
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { digestFile } from '../../src/lib/digest-file.ts';
import { makeSmallImage } from '../../tools/images/make-small-image.ts';
import { runColdpatch } from './command-line-fixture.ts';
import { copyGuestImage, imageCacheDirectory } from './guest-image.ts';
import { installInImage } from './install-in-image.ts';
import { startOwnLibvirtd } from './own-libvirtd.ts';
import { makePackageFixture, type PackageFixture } from './package-fixture.ts';
import { openWorkshop, publish, serve } from './signed-repository.ts';

/** What is installed in each base, at version 1.0. */
const packagesOfBase = { plain: ['app'], rich: ['app', 'tool'] } as const;

export interface ImageLab {
  readonly folder: string;
  /** Names of the images that are upgraded, and their paths. */
  readonly images: readonly string[];
  readonly bases: readonly string[];
  /** The domains that have an image as their disk, by its path. None of them runs. */
  readonly domains: ReadonlyMap<string, string>;
  /** For the state of the server, and of a host where another name is given. */
  environment(host?: string): Readonly<Record<string, string>>;
  /** A file of sources and policies that upgrades all of them. */
  writePolicies(more?: Readonly<Record<string, unknown>>): string;
  /** The engine of an upgrade is at work on the image, or on any, or left its folder when it was killed. */
  isInMidUpgrade(image?: string): boolean;
  /** Every image was promoted once, has one generation and a signature by one of these hosts; nothing else changed. */
  expectUpgradedOnce(hosts: readonly (string | undefined)[]): Promise<void>;
  end(): Promise<void>;
}

function versioned(name: string, version: string): PackageFixture {
  return { name, version, files: { [`/usr/share/${name}/version`]: `${version}\n` } };
}

export interface ImageLabOptions {
  readonly bases?: readonly (keyof typeof packagesOfBase)[];
  readonly overlaysOfBase?: number;
}

export async function makeImageLab({
  bases: names = ['plain', 'rich'],
  overlaysOfBase = 4,
}: ImageLabOptions = {}): Promise<ImageLab> {
  const workshop = openWorkshop();
  const key = workshop.makeKey('Archive <archive@example.org>');
  const repository = await serve();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'lab-')));
  const directory = join(folder, 'images');
  const pool = join(folder, 'pool');
  for (const path of [directory, pool]) mkdirSync(path);
  const small = await makeSmallImage(imageCacheDirectory);
  const bases: string[] = [];
  const images: string[] = [];
  for (const name of names) {
    const base = join(directory, `${name}.raw`);
    await copyGuestImage(small, base);
    await installInImage({
      image: base,
      key: key.publicKey,
      uri: repository.uri,
      packages: packagesOfBase[name].map((one) => versioned(one, '1.0')),
    });
    bases.push(base);
    for (let index = 0; index < overlaysOfBase; index += 1) {
      const place = index < overlaysOfBase / 2 ? pool : directory;
      const image = join(place, `${name}-${index}.qcow2`);
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', image]);
      images.push(image);
    }
  }
  const libvirtd = await startOwnLibvirtd(folder);
  libvirtd.virsh('pool-create-as', '--name', 'vms', '--type', 'dir', '--target', pool);
  const domains = new Map<string, string>();
  for (const image of images.filter((path) => dirname(path) === pool)) {
    const domain = basename(image, '.qcow2');
    libvirtd.defineDomain(domain, image);
    domains.set(image, domain);
  }
  repository.files = await publish(key, {
    packages: ['app', 'tool'].map((name) => makePackageFixture(versioned(name, '2.0'))),
  });
  const digests = (): Promise<readonly string[]> =>
    Promise.all(bases.map((base) => digestFile(base, { signal: new AbortController().signal })));
  const before = await digests();

  const environment = (host = 'server') => ({
    COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache'),
    COLDPATCH_STATE_DIRECTORY: join(folder, 'state', host),
  });
  return {
    folder,
    images,
    bases,
    domains,
    environment,
    writePolicies(more = {}) {
      const path = join(folder, 'policies.json');
      const policy = { upgrade: 'automatic', trustImages: true };
      const sources = [
        // The first to be listed: its images wait for their bases.
        { id: 'vms', kind: 'libvirt', uri: libvirtd.uri, pools: ['vms'], policy },
        { id: 'lab', kind: 'folder', directory, policy },
      ];
      writeFileSync(path, JSON.stringify({ sources, ...more }));
      return path;
    },
    isInMidUpgrade: (image) =>
      (image === undefined ? images : [image]).some(
        (path) => globSync(join(dirname(path), '.coldpatch', basename(path), 'work/*/engine')).length > 0,
      ),
    async expectUpgradedOnce(hosts) {
      const keys = hosts.flatMap((host) => [
        '--key',
        join(environment(host).COLDPATCH_STATE_DIRECTORY, 'service-key.pub'),
      ]);
      for (const image of images) {
        const kept = await runColdpatch({
          args: ['generations', image, '--json'],
          environment: environment(),
        });
        expect(JSON.parse(kept.stdout)).toHaveLength(1);
        const signed = await runColdpatch({
          args: ['attest', 'verify', image, '--json', ...keys],
          environment: environment(),
        });
        expect(signed).toMatchObject({ exitCode: 0 });
        const { promotion } = JSON.parse(signed.stdout) as {
          promotion: { plan: { changes: readonly { name: string }[] } };
        };
        const rich = image.includes('/rich-');
        expect(promotion.plan.changes.map(({ name }) => name).toSorted()).toEqual(
          rich ? packagesOfBase.rich : packagesOfBase.plain,
        );
        expect(readdirSync(join(dirname(image), '.coldpatch', basename(image), 'work'))).toEqual([]);
        execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', image]);
      }
      expect(await digests()).toEqual(before);
    },
    async end() {
      await libvirtd.stop();
      await repository.close();
      workshop.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
