import type { Duplex } from 'node:stream';
import { closeSync, openSync } from 'node:fs';
import { type StartedProgram, startProgram } from '../../lib/start-program.ts';
import type { Accelerator, Appliance } from '../types.ts';
import { confine } from './confine.ts';
import { type Disk, openDisks } from './disks.ts';
import { kernelArguments } from './kernel-arguments.ts';

export interface MachineOptions {
  readonly appliance: Appliance;
  readonly accelerator: Accelerator;
  readonly disks: readonly Disk[];
  readonly memoryMebibytes: number;
  /** Of all its disks together, read and written; as fast as it goes unless given. */
  readonly ioBytesPerSecond?: number | undefined;
  readonly signal: AbortSignal;
}

export interface Machine {
  readonly program: StartedProgram;
  /** The port that the agent speaks on. */
  readonly port: Duplex;
  /** What the kernel wrote to its console: at most the last 8 KiB. */
  console(): string;
}

/** Descriptors of QEMU: the port, the console, kernel, initramfs, then the files of the disks. */
const descriptors = { port: 3, console: 4, kernel: 5, initramfs: 6, disks: 7 };
const consoleBytes = 8192;
export const translatedCodeMebibytes = 256;
/** For QEMU itself, its libraries and the stacks of its threads. */
const overheadMebibytes = 2048;

/** Starts a machine that has no network, no devices but these, and no file of the host but these. It dies with us. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { appliance, accelerator, memoryMebibytes, signal } = options;
  const disks = openDisks(options.disks, descriptors.disks, options.ioBytesPerSecond);
  const opened: number[] = [];
  try {
    for (const path of [appliance.kernel, appliance.initramfs]) opened.push(openSync(path, 'r'));
    const addressSpace = (memoryMebibytes + translatedCodeMebibytes + overheadMebibytes) * 1024 * 1024;
    const program = await startProgram({
      file: 'prlimit',
      args: [
        `--as=${addressSpace}`,
        '--core=0',
        '--nofile=256',
        '--',
        'qemu-system-x86_64',
        ...machineArguments(accelerator, memoryMebibytes),
        ...disks.args,
      ],
      descriptors: ['socket', 'socket', ...opened, ...disks.descriptors],
      ...(await confine(accelerator)),
      // What matters is when the agent speaks.
      ready: { poll: () => Promise.resolve(true) },
      startTimeoutSeconds: 60,
      signal,
    });
    const [port, console] = program.channels as readonly [Duplex, Duplex];
    return { program, port, console: tailOf(console) };
  } finally {
    disks.close();
    opened.forEach((descriptor) => closeSync(descriptor));
  }
}

function machineArguments(accelerator: Accelerator, memoryMebibytes: number): readonly string[] {
  const isKvm = accelerator === 'kvm';
  return [
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    // Its kind is among those for which QEMU treats holes as security bugs.
    ['-machine', 'q35,usb=off,vmport=off,sata=off,smbus=off,hpet=off,dump-guest-core=off'],
    // It starts a kernel, and nothing else.
    isKvm ? [] : ['-bios', 'qboot.rom'],
    ['-accel', isKvm ? 'kvm' : `tcg,tb-size=${translatedCodeMebibytes}`],
    // Five levels of page tables are walked in software, and what "fast strings" copy is copied byte by byte.
    ['-cpu', isKvm ? 'host' : 'max,la57=off,erms=off', '-smp', '2', '-m', String(memoryMebibytes)],
    ['-kernel', `/proc/self/fd/${descriptors.kernel}`, '-initrd', `/proc/self/fd/${descriptors.initramfs}`],
    ['-append', kernelArguments(accelerator)],
    ['-chardev', `socket,id=console,fd=${descriptors.console}`, '-serial', 'chardev:console'],
    ['-device', 'virtio-serial-pci,max_ports=2', '-chardev', `socket,id=port,fd=${descriptors.port}`],
    ['-device', 'virtserialport,chardev=port,name=coldpatch'],
  ].flat();
}

function tailOf(stream: Duplex): () => string {
  let kept = Buffer.alloc(0);
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-consoleBytes);
  });
  return () => kept.toString('utf8');
}
