import { closeSync, openSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { confine } from '../../appliance/machine/confine.ts';
import { type BlockNode, openBlockNodes } from '../../appliance/machine/disks.ts';
import { type StartedProgram, startProgram } from '../../lib/start-program.ts';
import { copyImage } from '../copy-image.ts';
import type { Machine } from '../definitions/machine.ts';
import { openMonitor, type QemuMonitor } from '../hypervisors/qemu/qemu-monitor.ts';
import type { ClonedState } from './clone-state.ts';
import { descriptors, machineArguments, type TestHardware } from './machine-arguments.ts';
import { startVtpm } from './start-vtpm.ts';
import { layOver, type TestDisk } from './test-disk.ts';

export interface TestMachineOptions {
  readonly hardware: Omit<TestHardware, 'disks' | 'hasVtpm' | 'hasJobDisk'>;
  /** The one that it starts from first. */
  readonly disks: readonly TestDisk[];
  /** A raw file that it sees read only, as the disk `coldpatch-job`. */
  readonly jobDisk?: string | undefined;
  readonly state: ClonedState;
  readonly machine?: Machine | undefined;
  /** An empty directory for what the machine writes; the caller removes it. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** A machine that was started on clones. It must be stopped. */
export interface TestMachine {
  readonly qemu: StartedProgram;
  /** What the job inside says. */
  readonly port: Duplex;
  /** The serial line. */
  readonly console: Duplex;
  /** What the firmware logs. */
  readonly firmware: Duplex;
  readonly monitor: QemuMonitor;
  /** The file into which the monitor can write the screen, as set `screenSet`. */
  readonly screen: string;
  stop(): Promise<void>;
}

const translatedCodeMebibytes = 256;
/** For QEMU itself, its libraries, the stacks of its threads and the screen. */
const overheadMebibytes = 2048;
/** Of any one overlay: a guest that fills its disk ends its machine, and not the host's space. */
const largestFileBytes = 32 * 1024 ** 3;

/** Starts a machine on disks, and on throw-away clones of UEFI variables and vTPM. It has no network, and dies with us. */
export async function startTestMachine(options: TestMachineOptions): Promise<TestMachine> {
  const { hardware, directory, state, machine, signal, jobDisk } = options;
  const confinement = await confine(hardware.accelerator);
  const blocks = await cloneBlocks(options);
  const vtpm =
    machine?.vtpm && state.vtpm !== undefined
      ? await startVtpm({
          vtpm: machine.vtpm,
          state: state.vtpm,
          directory: join(directory, 'vtpm'),
          confinement,
          signal,
        })
      : undefined;
  const endVtpm = async (): Promise<void> => {
    vtpm?.control.destroy();
    await vtpm?.program.stop('SIGKILL');
  };
  const screen = join(directory, 'screen');
  const files: { close(): void }[] = [];
  try {
    const screenDescriptor = openSync(screen, 'wx', 0o600);
    files.push({ close: () => closeSync(screenDescriptor) });
    const nothing = openSync('/dev/null', 'r');
    files.push({ close: () => closeSync(nothing) });
    const opened = openBlockNodes(blocks, descriptors.blocks);
    files.push(opened);
    const { memoryMebibytes } = hardware;
    const megabytes = memoryMebibytes + translatedCodeMebibytes + overheadMebibytes;
    const fileSize = largestFile(options.disks);
    const starting = startProgram({
      file: 'prlimit',
      args: [
        [`--as=${megabytes * 1024 * 1024}`, `--fsize=${fileSize}`, '--core=0', '--nofile=256', '--'],
        ['qemu-system-x86_64', ...opened.args],
        machineArguments({
          ...hardware,
          disks: options.disks.length,
          hasVtpm: vtpm !== undefined,
          hasJobDisk: jobDisk !== undefined,
        }),
      ].flat(),
      descriptors: [
        ...(['socket', 'socket', 'socket', 'socket'] as const),
        screenDescriptor,
        vtpm?.control ?? nothing,
        ...opened.descriptors,
      ],
      ...confinement,
      ready: { poll: () => Promise.resolve(true) },
      startTimeoutSeconds: 60,
      signal,
    });
    // QEMU has it now, and nobody else may read the answers on it.
    vtpm?.control.destroy();
    const qemu = await starting;
    const [port, console, firmware, monitor] = qemu.channels as readonly [Duplex, Duplex, Duplex, Duplex];
    return {
      qemu,
      port,
      console,
      firmware,
      monitor: openMonitor(monitor),
      screen,
      async stop() {
        for (const channel of qemu.channels) channel.destroy();
        await qemu.stop('SIGKILL');
        await endVtpm();
      },
    };
  } catch (error) {
    await endVtpm();
    throw error;
  } finally {
    files.forEach((file) => file.close());
  }
}

/** A copy that is written may be as large as its disk, and what a format needs beside. */
function largestFile(disks: readonly TestDisk[]): bigint {
  const sizes = disks.filter(({ isWritten }) => isWritten).map(({ virtualSize }) => virtualSize * 2n);
  return sizes.reduce((largest, size) => (size > largest ? size : largest), BigInt(largestFileBytes));
}

async function cloneBlocks({
  hardware,
  disks,
  jobDisk,
  state,
  directory,
}: TestMachineOptions): Promise<readonly BlockNode[]> {
  const blocks: BlockNode[] = [];
  for (const [index, disk] of disks.entries()) {
    const name = `disk${index}`;
    const written = disk.isWritten ? disk : await layOver(disk, join(directory, name));
    const [file, ...backing] = written.chain;
    blocks.push({ name, file, backing, writable: true });
  }
  if (hardware.firmware.kind === 'uefi' && state.variables !== undefined) {
    const variables = join(directory, 'variables');
    await copyImage(state.variables, variables);
    await chmod(variables, 0o600);
    const code = hardware.firmware.code;
    blocks.push({ name: 'code', file: { path: code, format: 'raw' }, writable: false });
    blocks.push({ name: 'vars', file: { path: variables, format: 'raw' }, writable: true });
  }
  if (jobDisk !== undefined)
    blocks.push({ name: 'job', file: { path: jobDisk, format: 'raw' }, writable: false });
  return blocks;
}
