import { createHash } from 'node:crypto';
import { cp, mkdir, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, runProgramOrFail } from '../../src/lib/run-program.ts';
import { findMirrors, type Mirrors } from './find-mirrors.ts';
import { makeOnce } from './make-once.ts';
import { serverImageRecipe } from './server-image-recipe.ts';

export interface MakeServerImageOptions {
  readonly cacheDirectory: string;
  log(line: string): void;
}

export interface ServerImage {
  /** A qcow2 file that stays as it is: copy it before you change anything. */
  readonly path: string;
  readonly hostName: string;
  readonly rootPassword: string;
}

/**
 * A Debian 12 server as it was at its point release, never updated since: kernel, GRUB installed by its own tools,
 * nginx, PostgreSQL, OpenSSH and PHP. Made once per machine and recipe, as root; takes some four minutes then.
 */
export async function makeServerImage({ cacheDirectory, log }: MakeServerImageOptions): Promise<ServerImage> {
  const { hostName, rootPassword } = serverImageRecipe;
  const mirrors = await findMirrors();
  const key = createHash('sha256')
    .update(JSON.stringify({ ...serverImageRecipe, mirrors }))
    .digest('hex');
  const path = await makeOnce({
    directory: join(cacheDirectory, 'images'),
    name: `server-${key.slice(0, 16)}.qcow2`,
    make: (workDirectory) => make(workDirectory, mirrors, log),
  });
  return { path, hostName, rootPassword };
}

async function make(workDirectory: string, mirrors: Mirrors, log: (line: string) => void): Promise<string> {
  const root = join(workDirectory, 'root');
  log('making a Debian 12 server image, once for this machine (about four minutes)');
  log('1 of 4: installing its packages');
  await installPackages(workDirectory, root, mirrors);
  log('2 of 4: configuring it and making its disk');
  await configure(root, mirrors);
  const disk = join(workDirectory, 'disk.raw');
  const kernel = await takeKernel(root, workDirectory);
  await makeDisk(disk, root);
  await rm(root, { recursive: true });
  log('3 of 4: its first start, which installs GRUB');
  await firstStart(disk, kernel);
  log('4 of 4: writing the image');
  const image = join(workDirectory, 'server.qcow2');
  await runProgramOrFail({
    file: 'qemu-img',
    args: ['convert', '-O', 'qcow2', disk, image],
    timeoutSeconds: 300,
  });
  return image;
}

async function installPackages(workDirectory: string, root: string, { main }: Mirrors): Promise<void> {
  await runProgramOrFail({
    file: 'mmdebstrap',
    args: [
      '--variant=minbase',
      '--mode=root',
      '--format=directory',
      '--aptopt=APT::Install-Recommends "false"',
      '--dpkgopt=force-unsafe-io',
      `--include=${serverImageRecipe.packages.join(',')}`,
      'bookworm',
      root,
      `deb ${main} bookworm main`,
    ],
    environment: { TMPDIR: workDirectory },
    timeoutSeconds: 900,
  });
}

/** Shell-like, for GRUB's own scripts. */
const grubDefaults = [
  'GRUB_DEFAULT=0',
  'GRUB_TIMEOUT=1',
  'GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`',
  'GRUB_CMDLINE_LINUX_DEFAULT="quiet"',
  'GRUB_CMDLINE_LINUX="console=ttyS0"',
  'GRUB_TERMINAL=serial',
  '',
].join('\n');

const installedWords = 'first start: GRUB is installed';

const firstStartUnit = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'grub-install /dev/vda && update-grub && systemctl disable first-start && rm /etc/systemd/system/first-start.service && echo "${installedWords}"; systemctl poweroff'
StandardOutput=journal+console
StandardError=journal+console
[Install]
WantedBy=multi-user.target
`;

async function configure(root: string, { main, security }: Mirrors): Promise<void> {
  const etc = join(root, 'etc');
  await rm(join(etc, 'apt/sources.list.d'), { recursive: true, force: true });
  await mkdir(join(etc, 'apt/sources.list.d'));
  // The image writes to its disk as any other machine does.
  await rm(join(etc, 'dpkg/dpkg.cfg.d/99mmdebstrap'), { force: true });
  const files = {
    'apt/sources.list': `deb ${main} bookworm main\ndeb ${security} bookworm-security main\n`,
    fstab: `UUID=${serverImageRecipe.uuid} / ext4 errors=remount-ro 0 1\n`,
    hostname: `${serverImageRecipe.hostName}\n`,
    'default/grub': grubDefaults,
    'systemd/system/first-start.service': firstStartUnit,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(etc, name), text);
  await symlink(
    '/etc/systemd/system/first-start.service',
    join(etc, 'systemd/system/multi-user.target.wants/first-start.service'),
  );
  await inRoot(root, 'chpasswd', `root:${serverImageRecipe.rootPassword}\n`);
  await inRoot(root, 'debconf-set-selections', 'grub-pc grub-pc/install_devices multiselect /dev/vda\n');
}

async function inRoot(root: string, file: string, input: string): Promise<void> {
  await runProgramOrFail({ file: 'chroot', args: [root, file], input, timeoutSeconds: 60 });
}

interface KernelFiles {
  readonly kernel: string;
  readonly initramfs: string;
}

async function takeKernel(root: string, workDirectory: string): Promise<KernelFiles> {
  const names = await readdir(join(root, 'boot'));
  const take = async (prefix: string): Promise<string> => {
    const name = names.find((entry) => entry.startsWith(prefix));
    if (name === undefined)
      throw new Error(`Expected a file /boot/${prefix}* in the new system, but found none.`);
    const path = join(workDirectory, prefix);
    await cp(join(root, 'boot', name), path);
    return path;
  };
  return { kernel: await take('vmlinuz-'), initramfs: await take('initrd.img-') };
}

async function makeDisk(disk: string, root: string): Promise<void> {
  const { diskSize, partitionStart, uuid } = serverImageRecipe;
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
    timeoutSeconds: 300,
  });
}

async function firstStart(disk: string, { kernel, initramfs }: KernelFiles): Promise<void> {
  const lines: string[] = [];
  await runProgram({
    file: 'qemu-system-x86_64',
    args: [
      ['-accel', 'tcg', '-cpu', 'max', '-smp', '2', '-m', '1024', '-nographic', '-no-reboot', '-nic', 'none'],
      ['-kernel', kernel, '-initrd', initramfs],
      ['-append', `root=UUID=${serverImageRecipe.uuid} console=ttyS0 ro`],
      ['-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`],
    ].flat(),
    timeoutSeconds: 600,
    onLine: (line) => lines.push(line),
  });
  if (lines.some((line) => line.includes(installedWords))) return;
  throw new Error(
    `Expected the first start of the new system to install GRUB, but it did not say so. The end of its console:\n${lines.slice(-30).join('\n')}`,
  );
}
