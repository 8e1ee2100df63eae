import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportSchema } from '../src/patch/report.ts';
import { changeGuestImage, copyGuestImage, imageCacheDirectory } from '../test/support/guest-image.ts';
import { makePackageFixture } from '../test/support/package-fixture.ts';
import { openWorkshop, type PublishedPackage, publish, serve } from '../test/support/signed-repository.ts';
import { makeSmallImage } from '../tools/images/make-small-image.ts';
import { compare } from './compare.ts';
import { runColdpatchTimed, runTimed } from './run-timed.ts';
import type { Bench, BenchContext } from './types.ts';

/**
 * The whole of an update in the appliance against `virt-customize --update` on the same image: a small system with
 * some packages of scripts and files, from a signed repository on this host. Both are emulated and were built before.
 * Ours also digests, copies, records, verifies in a second machine, and promotes.
 */
export const applianceUpdateBench: Bench = {
  name: 'appliance-update',
  async run(context) {
    const workshop = openWorkshop();
    const server = await serve();
    try {
      const key = workshop.makeKey('Archive <archive@example.org>');
      const keyring = join(context.folder, 'bench.gpg');
      await writeFile(keyring, key.publicKey);
      server.files = await publish(key, { packages: packagesOf('2.0') });
      const port = new URL(server.uri).port;
      const prepared = await prepare(context, keyring, port);
      const cache = { COLDPATCH_CACHE_DIRECTORY: join(context.folder, 'appliance-cache') };
      await runColdpatchTimed(['appliance', 'build'], cache);
      const ours = () =>
        upgradeOurs(context, prepared, `deb [signed-by=${keyring}] ${server.uri} stable main`, cache);
      const peer = () => upgradePeers(context, prepared);
      await ours();
      await peer();
      return await compare(context, { ours, peer, peerName: 'virt-customize', target: 0.8 });
    } finally {
      await server.close();
      workshop.end();
      await rm(join(context.folder, 'prepared.raw'), { force: true });
    }
  },
};

const packageCount = 12;
const filesOfEach = 60;
/** Where a guest of libguestfs sees its host: guestfs(3). */
const hostOfGuest = '169.254.2.2';

function packagesOf(version: string): readonly PublishedPackage[] {
  return Array.from({ length: packageCount }, (_, index) => {
    const name = `app-${index}`;
    const files = Array.from({ length: filesOfEach }, (__, file) => [
      `/usr/share/${name}/${file}`,
      `${version} ${'some text that compresses well '.repeat(200)}\n`,
    ]);
    return makePackageFixture({
      name,
      version,
      files: Object.fromEntries(files) as Record<string, string>,
      scripts: {
        postinst: `for number in 1 2 3 4 5; do perl -e 'print "$ARGV[0]\\n"' $number | sed s/1/2/; done`,
      },
    });
  });
}

async function prepare({ folder }: BenchContext, keyring: string, port: string): Promise<string> {
  const prepared = join(folder, 'prepared.raw');
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), prepared);
  const files = join(folder, 'packages');
  await mkdir(files);
  for (const [index, { bytes }] of packagesOf('1.0').entries())
    await writeFile(join(files, `${index}.deb`), bytes);
  const source = `deb [signed-by=/usr/share/keyrings/bench.gpg] http://${hostOfGuest}:${port} stable main`;
  await changeGuestImage({
    image: prepared,
    files,
    script: [
      `cp '${keyring}' "$root/usr/share/keyrings/bench.gpg"`,
      `echo '${source}' > "$root/etc/apt/sources.list"`,
      'mkdir "$root/debs"; cp "$files"/*.deb "$root/debs"',
      'chroot "$root" sh -c "dpkg -i /debs/*.deb"',
      'rm -r "$root/debs"',
    ].join('\n'),
  });
  return prepared;
}

async function upgradeOurs(
  { folder, print }: BenchContext,
  prepared: string,
  repository: string,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const directory = join(folder, 'ours');
  await mkdir(directory);
  const copy = join(directory, 'small.raw');
  await copyGuestImage(prepared, copy);
  const { seconds, stdout } = await runColdpatchTimed(
    ['update', copy, '--engine', 'appliance', '--repository', repository, '--json'],
    environment,
  );
  const { phases, changes } = reportSchema.parse(JSON.parse(stdout));
  if (changes.length !== packageCount)
    throw new Error(`Expected ${packageCount} upgrades, but found ${changes.length}.`);
  print(`  phases: ${phases.map((phase) => `${phase.name} ${phase.seconds.toFixed(1)}`).join(', ')} s`);
  await rm(directory, { recursive: true });
  return seconds;
}

async function upgradePeers({ folder }: BenchContext, prepared: string): Promise<number> {
  const copy = join(folder, 'peer.raw');
  await copyGuestImage(prepared, copy);
  const { seconds } = await runTimed({
    file: 'virt-customize',
    args: ['--format', 'raw', '-a', copy, '--update', '--run-command', versionCheck],
    environment: {
      LIBGUESTFS_BACKEND: 'direct',
      LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg',
      HOME: '/root',
    },
    timeoutSeconds: 1800,
  });
  await rm(copy);
  return seconds;
}

/** A failed `--update` must not count as a fast one. */
const versionCheck = `test "$(dpkg-query -W 'app-*' | grep -c '2.0$')" = ${packageCount}`;
