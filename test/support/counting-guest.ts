/**
 * A machine of three disks, UEFI variables and a vTPM that counts: it writes the next number to its first disk, then
 * increments a counter of its TPM, then writes the number to a file on its second disk and to its third, again and again.
 * Whatever is of one moment differs by one at most.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type StartedProgram, startProgram } from '../../src/lib/start-program.ts';
import { hostKernel } from './host-kernel.ts';
import { withTpm } from './tpm-session.ts';

/** TPM2_NV_Increment of the counter 0x1500016 by the owner, without a password: Part 3, 31.8. */
const increment =
  '\\x80\\x02\\x00\\x00\\x00\\x1f\\x00\\x00\\x01\\x34\\x40\\x00\\x00\\x01\\x01\\x50\\x00\\x16' +
  '\\x00\\x00\\x00\\x09\\x40\\x00\\x00\\x09\\x00\\x00\\x00\\x00\\x00';
const counter = '0x1500016';
export const counterName = '1500016';

const modules = [
  'virtio/virtio_ring',
  'virtio/virtio',
  'virtio/virtio_pci_modern_dev',
  'virtio/virtio_pci_legacy_dev',
  'virtio/virtio_pci',
  'block/virtio_blk',
  'char/virtio_console',
];

const init = `#!/bin/busybox sh
export PATH=/bin
busybox mkdir -p /proc /sys /dev /mnt /run /tmp
busybox mount -t proc proc /proc; busybox mount -t sysfs sys /sys; busybox mount -t devtmpfs dev /dev
for module in ${modules.map((name) => basename(name)).join(' ')}; do busybox insmod /modules/$module.ko; done
while ! [ -b /dev/vdc ]; do busybox sleep 0.1; done
busybox mount -t ext4 /dev/vdb /mnt || echo failed to mount
for port in /dev/vport*; do
  [ -c $port ] && /bin/qemu-ga -m virtio-serial -p $port -t /run -f /run/pid &
done
if [ -c /dev/tpm0 ]; then exec 3<>/dev/tpm0; fi
n=0
[ -f /mnt/counter ] && n=$(busybox cat /mnt/counter) && n=\${n#\${n%%[!0]*}}
n=\${n:-0}
while :; do
  n=$((n + 1))
  printf '%016d' $n | busybox dd of=/dev/vda bs=16 conv=notrunc,fsync 2>/dev/null
  if [ -c /dev/tpm0 ]; then printf '${increment}' >&3; busybox dd bs=4096 count=1 <&3 >/dev/null 2>&1; fi
  printf '%016d' $n | busybox dd of=/mnt/counter bs=16 conv=notrunc,fsync 2>/dev/null
  printf '%016d' $n | busybox dd of=/dev/vdc bs=16 conv=notrunc,fsync 2>/dev/null
  [ $((n % 5)) = 0 ] && echo counted $n
done
`;

export interface CountingPaths {
  readonly first: string;
  readonly second: string;
  readonly third: string;
  readonly tpm: string;
  readonly variables: string;
}

export interface CountingGuestOptions {
  readonly paths: CountingPaths;
  /** For sockets and what the guest prints. */
  readonly directory: string;
  readonly initramfs: string;
  readonly agent?: boolean;
  /** User of QEMU and swtpm; root unless given. */
  readonly user?: number;
  /** A file of memory to begin with. */
  readonly incoming?: string;
  /** MiB. Default 192. */
  readonly memory?: number;
}

export interface CountingGuest {
  readonly qmp: string;
  readonly agent: string;
  readonly pid: number;
  /** The last number that the guest printed. */
  counted(): number;
  /** Waits until the guest has counted on. */
  countsOn(): Promise<void>;
  stop(): Promise<void>;
}

const largestDisk = 48 * 1024 * 1024;

/** Makes the files of the machine: a raw disk, one of `format` with ext4 on it, and another raw one. */
export async function makeCountingMachine(
  folder: string,
  format: 'raw' | 'qcow2',
  folderOfFirst = folder,
): Promise<CountingPaths> {
  const paths = {
    first: join(folderOfFirst, 'first.img'),
    second: join(folder, `second.${format}`),
    third: join(folder, 'third.img'),
    tpm: join(folder, 'tpm'),
    variables: join(folder, 'variables.fd'),
  };
  for (const path of [paths.first, paths.third]) {
    writeFileSync(path, '');
    truncateSync(path, largestDisk);
  }
  const plain = join(folder, 'plain.img');
  writeFileSync(plain, '');
  truncateSync(plain, largestDisk);
  execFileSync('mkfs.ext4', ['-q', '-F', plain]);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, plain, paths.second]);
  execFileSync('rm', [plain]);
  copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd', paths.variables);
  mkdirSync(paths.tpm);
  await withTpm(`dir=${paths.tpm}`, folder, (tpm2) => {
    tpm2('nvdefine', '-C', 'o', '-s', '8', '-a', 'ownerread|ownerwrite|nt=counter', counter);
    tpm2('nvincrement', '-C', 'o', counter);
  });
  return paths;
}

/** Makes the initial file system of the guest, with the real agent of QEMU in it. */
export function makeCountingInitramfs(folder: string): string {
  const tree = join(folder, 'tree');
  for (const name of ['bin', 'modules']) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  symlinkSync('busybox', join(tree, 'bin/sh'));
  const kernel = hostKernel().release;
  for (const name of modules) {
    copyFileSync(
      `/lib/modules/${kernel}/kernel/drivers/${name}.ko`,
      join(tree, 'modules', `${basename(name)}.ko`),
    );
  }
  copyFileSync('/usr/sbin/qemu-ga', join(tree, 'bin/qemu-ga'));
  const linked = execFileSync('ldd', ['/usr/sbin/qemu-ga'], { encoding: 'utf8' });
  for (const [, path = ''] of linked.matchAll(/(\/\S+) \(0x/g)) {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(tree, path));
  }
  writeFileSync(join(tree, 'init'), init);
  chmodSync(join(tree, 'init'), 0o755);
  const initramfs = join(folder, 'initramfs');
  execFileSync('bsdtar', ['--format=newc', '--uid=0', '--gid=0', '-cf', initramfs, '-C', tree, '.']);
  return initramfs;
}

/** Starts the machine with its vTPM, and waits until it counts. */
export async function startCountingGuest(options: CountingGuestOptions): Promise<CountingGuest> {
  const { paths, directory, user, incoming } = options;
  const sockets = {
    qmp: join(directory, 'qmp'),
    agent: join(directory, 'agent'),
    tpm: join(directory, 'tpm-socket'),
  };
  const console = join(directory, 'console');
  if (user !== undefined)
    giveTo(user, [paths.first, paths.second, paths.third, paths.tpm, paths.variables, directory]);
  const as = user === undefined ? {} : { user: { id: user, groups: [] } };
  const swtpm = await startProgram({
    file: 'swtpm',
    args: [
      ['socket', '--tpm2', '--tpmstate', `dir=${paths.tpm}`],
      ['--ctrl', `type=unixio,path=${sockets.tpm}`],
    ].flat(),
    ready: { poll: () => Promise.resolve(existsSync(sockets.tpm)) },
    startTimeoutSeconds: 60,
    ...as,
  });
  let qemu: StartedProgram | undefined;
  const stop = async (): Promise<void> => {
    await qemu?.stop('SIGKILL');
    await swtpm.stop();
  };
  try {
    qemu = await startProgram({
      file: 'qemu-system-x86_64',
      args: [...machineArguments(options, sockets, console)],
      ready: { poll: () => Promise.resolve(existsSync(sockets.qmp)) },
      startTimeoutSeconds: 120,
      ...as,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const counted = (): number => {
    const numbers = [...textOf(console).matchAll(/counted (\d+)/g)];
    return Number(numbers.at(-1)?.[1] ?? 0);
  };
  const guest = {
    qmp: sockets.qmp,
    agent: sockets.agent,
    pid: qemu.pid,
    counted,
    stop,
    async countsOn() {
      const before = counted();
      const deadline = performance.now() + 120_000;
      while (counted() <= before) {
        if (performance.now() > deadline)
          throw new Error(`Expected the guest to count on, found: ${textOf(console).slice(-2000)}`);
        await delay(100);
      }
    },
  };
  try {
    if (incoming === undefined) await guest.countsOn();
    return guest;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The numbers in the disks of a generation, or of the machine itself. The TPM's are in the manifest. */
export function readCounters(
  { first, second, third }: Pick<CountingPaths, 'first' | 'second' | 'third'>,
  folder: string,
): { readonly first: number; readonly second: number; readonly third: number } {
  const plain = join(folder, 'plain.img');
  execFileSync('qemu-img', ['convert', '-U', '-O', 'raw', second, plain]);
  // What a filesystem that was not frozen has synced may be in its journal alone. Ends with 1 when it replayed that.
  spawnSync('e2fsck', ['-p', plain], { stdio: 'ignore' });
  const text = execFileSync('debugfs', ['-R', 'cat /counter', plain], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { first: numberIn(first), second: Number(text), third: numberIn(third) };
}

function numberIn(disk: string): number {
  return Number(readFileSync(disk).toString('latin1', 0, 16));
}

/** Whether the file system on a disk must replay its journal: never when it was frozen. */
export function needsRecovery(disk: string, folder: string): boolean {
  const plain = join(folder, 'plain.img');
  execFileSync('qemu-img', ['convert', '-U', '-O', 'raw', disk, plain]);
  return execFileSync('dumpe2fs', ['-h', plain], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).includes('needs_recovery');
}

function* machineArguments(
  { paths, initramfs, agent = false, incoming, memory = 192 }: CountingGuestOptions,
  sockets: { readonly qmp: string; readonly agent: string; readonly tpm: string },
  console: string,
): Generator<string> {
  yield* [
    '-machine',
    'q35',
    '-accel',
    'tcg',
    '-cpu',
    'max',
    '-m',
    String(memory),
    '-nodefaults',
    '-display',
    'none',
  ];
  yield* ['-no-reboot', '-kernel', hostKernel().path, '-initrd', initramfs];
  yield* ['-append', 'console=ttyS0 quiet panic=-1', '-serial', `file:${console}`];
  yield* ['-qmp', `unix:${sockets.qmp},server=on,wait=off`];
  yield* ['-drive', 'if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/seabios/bios-256k.bin'];
  yield* ['-drive', `if=pflash,unit=1,format=raw,file=${paths.variables}`];
  for (const [index, path] of [paths.first, paths.second, paths.third].entries()) {
    const format = path.endsWith('.qcow2') ? 'qcow2' : 'raw';
    yield* ['-blockdev', `driver=${format},node-name=disk${index},file.driver=file,file.filename=${path}`];
    yield* ['-device', `virtio-blk-pci,drive=disk${index}`];
  }
  yield* ['-chardev', `socket,id=tpm,path=${sockets.tpm}`, '-tpmdev', 'emulator,id=tpm0,chardev=tpm'];
  yield* ['-device', 'tpm-tis,tpmdev=tpm0'];
  if (agent) {
    yield* [
      '-device',
      'virtio-serial-pci',
      '-chardev',
      `socket,id=agent,path=${sockets.agent},server=on,wait=off`,
    ];
    yield* ['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'];
  }
  if (incoming !== undefined) yield* ['-incoming', `exec:cat ${incoming}`];
}

function giveTo(user: number, paths: readonly string[]): void {
  for (const path of paths) {
    chownSync(path, user, user);
    if (!lstatSync(path).isDirectory()) continue;
    for (const name of readdirSync(path)) chownSync(join(path, name), user, user);
  }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}
