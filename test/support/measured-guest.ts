/** Guests that start from their own boot loader, whose firmware measures what it starts into a real vTPM. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { kernelModules } from '../../src/appliance/build/kernel-modules.ts';
import { type CpioEntry, writeCpio } from '../../src/appliance/build/write-cpio.ts';
import { runProgramOrFail } from '../../src/lib/run-program.ts';
import { startProgram } from '../../src/lib/start-program.ts';
import { hostKernel } from './host-kernel.ts';
import { withTpm } from './tpm-session.ts';

/**
 * `bios`: SeaBIOS and GRUB; SeaBIOS measures the boot sector.
 * `uefi`: OVMF with Secure Boot and Microsoft's keys, Debian's signed shim, GRUB and kernel; all of them measure what comes next.
 */
export type Firmware = 'bios' | 'uefi';

/** What the guest seals to. PCR 4: boot loaders; 7: Secure Boot keys; 8 and 9: GRUB's commands and files. */
const sealedTo: Readonly<Record<Firmware, string>> = { bios: 'sha256:4', uefi: 'sha256:4,7,8,9' };

const megabyte = 1024 * 1024;
const sector = 512;
const diskBytes = 80 * megabyte;
const systemStart = 1 * megabyte;
const systemBytes = 72 * megabyte;
const commandLine = 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on';

export interface GuestMachine {
  readonly firmware: Firmware;
  readonly disk: string;
  readonly tpm: string;
  /** UEFI alone. */
  readonly variables: string;
}

/** Makes the machine's disk, with its boot loader, kernel and initramfs, and its UEFI variables, with nothing sealed yet. */
export async function makeGuestMachine(machine: GuestMachine, workDirectory: string): Promise<void> {
  mkdirSync(workDirectory, { recursive: true });
  writeFileSync(machine.disk, '');
  truncateSync(machine.disk, diskBytes);
  const isUefi = machine.firmware === 'uefi';
  const [type, data] = isUefi
    ? ['C12A7328-F81F-11D2-BA4B-00A0C93EC93B', '0FC63DAF-8483-4772-8E79-3D69D8477DE4']
    : ['c', '83'];
  await runProgramOrFail({
    file: 'sfdisk',
    args: ['-q', machine.disk],
    input: `label: ${isUefi ? 'gpt' : 'dos'}
start=${systemStart / sector}, size=${systemBytes / sector}, type=${type}
start=${(systemStart + systemBytes) / sector}, size=${(4 * megabyte) / sector}, type=${data}
`,
    timeoutSeconds: 900,
  });
  const offset = String(systemStart / sector);
  const size = String(systemBytes / 1024);
  execFileSync('mkfs.fat', ['-F', '32', '-i', '12345678', '--offset', offset, machine.disk, size], {
    stdio: 'pipe',
  });
  // One bank of PCRs is enough, and each takes an emulated processor seconds.
  mkdirSync(machine.tpm, { recursive: true });
  await withTpm(`dir=${machine.tpm}`, workDirectory, (tpm2) =>
    tpm2('pcrallocate', '-Q', 'sha256:all+sha1:none+sha384:none+sha512:none'),
  );
  const kernel = hostKernel();
  const initramfs = join(workDirectory, 'initramfs');
  writeFileSync(
    initramfs,
    gzipSync(writeCpio(await initramfsEntries(kernel.release, machine.firmware)), { level: 6 }),
  );
  putFile(machine.disk, kernel.path, 'vmlinuz');
  putFile(machine.disk, initramfs, 'initramfs');
  writeMenu(machine, workDirectory, commandLine);
  if (isUefi) {
    putFile(machine.disk, '/usr/lib/shim/shimx64.efi.signed', 'EFI/BOOT/BOOTX64.EFI');
    putFile(machine.disk, '/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed', 'EFI/BOOT/grubx64.efi');
    copyFileSync('/usr/share/OVMF/OVMF_VARS_4M.ms.fd', machine.variables);
  } else {
    installBootSector(machine.disk, workDirectory, 1);
  }
}

/** A patch as a distribution brings it: other bytes in the boot chain, so that another machine is measured. */
export function patchGuestMachine(machine: GuestMachine, workDirectory: string): void {
  if (machine.firmware === 'uefi') writeMenu(machine, workDirectory, `${commandLine} patched=1`);
  else installBootSector(machine.disk, workDirectory, 1024);
}

export interface GuestReport {
  /** `sealed`, `unsealed SECRET`, or at which step the vTPM refused. */
  readonly outcome: string;
  readonly counter: bigint;
  /** By number. */
  readonly pcrs: Readonly<Record<string, string>>;
  /** Of the kernel: `none` or, with Secure Boot, `integrity`. */
  readonly lockdown: string;
  readonly console: string;
}

/** Switches the machine on, and waits until it has switched itself off. */
export async function runGuestMachine(
  machine: GuestMachine,
  { workDirectory, timeoutSeconds }: { readonly workDirectory: string; readonly timeoutSeconds: number },
): Promise<GuestReport> {
  const socket = join(workDirectory, 'tpm');
  const swtpm = await startProgram({
    file: 'swtpm',
    args: ['socket', '--tpm2', '--tpmstate', `dir=${machine.tpm}`, '--ctrl', `type=unixio,path=${socket}`],
    ready: { poll: () => accepts(socket) },
    startTimeoutSeconds: 60,
  });
  const serial = join(workDirectory, 'serial.log');
  try {
    await runProgramOrFail({
      file: 'qemu-system-x86_64',
      args: [
        ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-accel', 'tcg', '-cpu', 'max'],
        ['-m', '512', '-serial', `file:${serial}`, '-vga', 'none'],
        ['-drive', `file=${machine.disk},format=raw,if=none,id=disk`],
        ['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
        ['-chardev', `socket,id=tpm,path=${socket}`, '-tpmdev', 'emulator,id=tpm0,chardev=tpm'],
        firmwareArguments(machine),
      ].flat(),
      timeoutSeconds,
    });
  } finally {
    await swtpm.stop();
  }
  return parseReport(readFileSync(serial, 'utf8'));
}

function firmwareArguments({ firmware, variables }: GuestMachine): readonly string[] {
  if (firmware === 'bios') return ['-machine', 'q35,smm=off', '-device', 'tpm-tis,tpmdev=tpm0'];
  const code = '/usr/share/OVMF/OVMF_CODE_4M.ms.fd';
  return [
    ['-machine', 'q35,smm=on', '-global', 'driver=cfi.pflash01,property=secure,value=on'],
    ['-global', 'ICH9-LPC.disable_s3=1', '-device', 'tpm-crb,tpmdev=tpm0'],
    ['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${code}`],
    ['-drive', `if=pflash,unit=1,format=raw,file=${variables}`],
  ].flat();
}

function parseReport(console: string): GuestReport {
  const said = (what: string): string =>
    new RegExp(`guest: ${what} (.*?)\\r?\\n`).exec(console)?.[1] ??
    fail(`Expected the guest to say "${what}", but found: ${console.slice(-3000)}`);
  const lines = [...console.matchAll(/guest: pcr (\d+)\s*:\s*0x([0-9A-F]+)/g)];
  return {
    outcome: said('outcome'),
    counter: BigInt(`0x${said('counter')}`),
    pcrs: Object.fromEntries(lines.map(([, number = '', value = '']) => [number, value])),
    lockdown: /\[(\w+)\]/.exec(said('lockdown'))?.[1] ?? '',
    console,
  };
}

function fail(message: string): never {
  throw new Error(message);
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Programs and libraries of this host's packages; the modules are signed, as a kernel that is locked down demands. */
async function initramfsEntries(release: string, firmware: Firmware): Promise<readonly CpioEntry[]> {
  const needed = ['virtio_pci', 'virtio_blk', 'tpm_tis', 'tpm_crb'];
  const modules = await kernelModules(join('/lib/modules', release), needed);
  const linked = execFileSync('ldd', ['/usr/bin/tpm2'], { encoding: 'utf8' });
  const device = '/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0';
  const libraries = [...linked.matchAll(/(\/\S+\.so\S*) \(0x/g)].map(([, path = '']) => path);
  const file = (name: string, bytes: Uint8Array, executable = true): CpioEntry => ({
    name,
    type: 'file',
    bytes,
    executable,
  });
  const files = [
    file('init', readFileSync(join(import.meta.dirname, 'measured-guest-init.sh'))),
    file('pcrs', Buffer.from(sealedTo[firmware]), false),
    file('bin/busybox', readFileSync('/bin/busybox')),
    file('bin/tpm2', readFileSync('/usr/bin/tpm2')),
    ...[...libraries, device].map((path) => file(path.slice(1).replace(/^usr\//, ''), readFileSync(path))),
    ...modules.map(({ name, bytes }) => file(`modules/${name}.ko`, bytes, false)),
    file('modules/order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')), false),
  ];
  const directories = new Set(
    files.flatMap(({ name }) => {
      const parts = name.split('/').slice(0, -1);
      return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    }),
  );
  return [
    ...[...directories, 'dev'].map((name): CpioEntry => ({ name, type: 'directory' })),
    { name: 'usr', type: 'link', target: '.' },
    ...files,
  ];
}

/** With the signed GRUB, the directory of its menu is a part of what is signed. */
function writeMenu({ disk, firmware }: GuestMachine, workDirectory: string, options: string): void {
  const menu = join(workDirectory, 'grub.cfg');
  writeFileSync(menu, `linux /vmlinuz ${options}\ninitrd /initramfs\nboot\n`);
  putFile(disk, menu, firmware === 'uefi' ? 'EFI/debian/grub.cfg' : 'grub/grub.cfg');
}

function putFile(disk: string, from: string, to: string): void {
  const image = `${disk}@@${systemStart}`;
  const parts = to.split('/').slice(0, -1);
  for (const [index] of parts.entries()) {
    const directory = `::/${parts.slice(0, index + 1).join('/')}`;
    const isThere = tryMdir(image, directory);
    if (!isThere) execFileSync('mmd', ['-i', image, directory]);
  }
  execFileSync('mcopy', ['-o', '-i', image, from, `::/${to}`]);
}

function tryMdir(image: string, directory: string): boolean {
  try {
    execFileSync('mdir', ['-b', '-i', image, directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * GRUB's first stage in the boot sector, and its core at another sector: that is written in the first stage, so that a core that
 * moved is another boot sector. GRUB 2.06, include/grub/i386/pc/boot.h and grub-core/boot/i386/pc/diskboot.S.
 */
function installBootSector(disk: string, workDirectory: string, coreSector: number): void {
  const modules = '/usr/lib/grub/i386-pc';
  const corePath = join(workDirectory, 'core.img');
  const grubModules = ['biosdisk', 'part_msdos', 'fat', 'linux', 'normal', 'configfile'];
  const target = ['-O', 'i386-pc', '-d', modules, '-o', corePath, '-p', '(hd0,msdos1)/grub'];
  execFileSync('grub-mkimage', [...target, ...grubModules]);
  const first = readFileSync(join(modules, 'boot.img')).subarray(0, 440);
  first.writeBigUInt64LE(BigInt(coreSector), 0x5c);
  const core = readFileSync(corePath);
  core.writeBigUInt64LE(BigInt(coreSector + 1), sector - 12);
  for (const [name, bytes, offset] of [
    ['boot', first, 0],
    ['core', core, coreSector * sector],
  ] as const) {
    const path = join(workDirectory, `${basename(name)}.bin`);
    writeFileSync(path, bytes);
    execFileSync('dd', [
      `if=${path}`,
      `of=${disk}`,
      `seek=${offset}`,
      'oflag=seek_bytes',
      'conv=notrunc',
      'status=none',
    ]);
  }
}
