import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../src/lib/run-program.ts';
import { findMirrors } from './find-mirrors.ts';
import { makeOnce } from './make-once.ts';

export const smallImageRecipe = {
  revision: 1,
  /** Bytes. */
  diskSize: 320 * 1024 ** 2,
  partitionStart: 1024 ** 2,
  uuid: '22222222-3333-4444-8555-666666666666',
  hostName: 'small-1',
} as const;

/**
 * A raw disk with the smallest Debian 12 that apt can upgrade: no kernel, no boot loader, no sources.
 * Made once per machine as root, in less than a minute; the file stays as it is.
 */
export async function makeSmallImage(cacheDirectory: string): Promise<string> {
  const { main } = await findMirrors();
  const key = createHash('sha256')
    .update(JSON.stringify({ ...smallImageRecipe, main }))
    .digest('hex');
  return makeOnce({
    directory: join(cacheDirectory, 'images'),
    name: `small-${key.slice(0, 16)}.raw`,
    make: (workDirectory) => make(workDirectory, main),
  });
}

async function make(workDirectory: string, mirror: string): Promise<string> {
  const { diskSize, partitionStart, uuid, hostName } = smallImageRecipe;
  const root = join(workDirectory, 'root');
  const configure = [
    'rm -f "$1"/etc/apt/sources.list "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap',
    `echo ${hostName} > "$1"/etc/hostname`,
    `echo "UUID=${uuid} / ext4 errors=remount-ro 0 1" > "$1"/etc/fstab`,
    'rm -rf "$1"/usr/share/doc/* "$1"/usr/share/locale/* "$1"/usr/share/man/*',
  ];
  await runProgramOrFail({
    file: 'mmdebstrap',
    args: [
      '--variant=minbase',
      '--mode=root',
      '--format=directory',
      '--aptopt=APT::Install-Recommends "false"',
      '--dpkgopt=force-unsafe-io',
      `--customize-hook=${configure.join(' && ')}`,
      'bookworm',
      root,
      `deb ${mirror} bookworm main`,
    ],
    environment: { TMPDIR: workDirectory },
    timeoutSeconds: 600,
  });
  const disk = join(workDirectory, 'disk.raw');
  await using file = await open(disk, 'w');
  await file.truncate(diskSize);
  await runProgramOrFail({
    file: 'sfdisk',
    args: ['-q', disk],
    input: `start=${partitionStart / 512}, type=83, bootable\n`,
    timeoutSeconds: 60,
  });
  await runProgramOrFail({
    file: 'mke2fs',
    args: [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-U',
      uuid,
      '-d',
      root,
      '-E',
      `offset=${partitionStart}`,
      disk,
      `${(diskSize - partitionStart) / 1024}k`,
    ],
    timeoutSeconds: 120,
  });
  return disk;
}
