import { join } from 'node:path';
import type { DiskFile } from '../../appliance/machine/disks.ts';
import type { Accelerator } from '../../appliance/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { mkdir, rm } from 'node:fs/promises';
import { chooseFirmware } from '../boot-test/choose-firmware.ts';
import { cloneState } from '../boot-test/clone-state.ts';
import { startTestMachine, type TestMachine } from '../boot-test/start-test-machine.ts';
import { describeDisk } from '../boot-test/test-disk.ts';
import type { Machine } from '../definitions/machine.ts';
import type { JobHeard } from './job-frames.ts';
import { watchGuestJob } from './watch-guest-job.ts';

export interface GuestJobOptions extends JobHeard {
  /** A copy of the disk that the machine starts from: it is written. */
  readonly copy: DiskFile;
  /** Of the copy, nearest first. */
  readonly backing: readonly DiskFile[];
  /** A raw file that the machine sees read only, as the disk `coldpatch-job`. */
  readonly jobDisk: string;
  /** Whose disk it is: firmware, hardware, UEFI variables and vTPM are clones of its own, which are thrown away. */
  readonly machine?: Machine | undefined;
  /** See `chooseFirmware`. */
  readonly madeFor: 'bios' | 'uefi';
  readonly accelerator: Accelerator;
  readonly memoryMebibytes: number;
  /** For the job, from when the system is up. */
  readonly jobSeconds: number;
  /** An empty directory; what is made in it is gone afterwards. */
  readonly workDirectory: string;
  readonly signal: AbortSignal;
}

/** Under emulation and on a busy host a server takes minutes; and some wait minutes for a network. */
const mostUpSeconds = 3600;
const offSeconds = 1200;
const closeSeconds = 300;

/**
 * Starts a copy of a disk in a machine without a network, and waits until a job inside has ended, and the machine has
 * switched itself off: what its disk was told is in the file then. It sees no other disk of its machine.
 *
 * @returns the exit code that the job claims; after one other than 0 the copy is worth nothing.
 * @throws ColdpatchError `guest_not_started`, `guest_ended_early`, `guest_timeout`, `guest_protocol`,
 * `machine_unsupported`, `vtpm_broken`, `image_in_use`, `host_tool_missing`, `host_tool_failed`.
 */
export async function runGuestJob(options: GuestJobOptions): Promise<number> {
  const { copy, backing, machine, accelerator, memoryMebibytes, jobDisk, jobSeconds, signal } = options;
  const firmware = await chooseFirmware(machine, options.madeFor);
  const directory = join(options.workDirectory, 'guest-job');
  await mkdir(directory, { mode: 0o700 });
  try {
    const state = await cloneState(machine, firmware, join(directory, 'state'));
    const own = join(directory, 'machine');
    await mkdir(own, { mode: 0o700 });
    const started = await startTestMachine({
      hardware: { accelerator, firmware, memoryMebibytes, boot: machine?.boot ?? null },
      disks: [{ ...describeDisk(copy, backing), isWritten: true }],
      jobDisk,
      state,
      machine,
      directory: own,
      signal,
    });
    try {
      const limits = { up: Math.min(mostUpSeconds, jobSeconds), job: jobSeconds, off: offSeconds };
      const exitCode = await watchGuestJob(started, { ...options, limits });
      if (exitCode === 0) await closeDisks(started);
      return exitCode;
    } finally {
      await started.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** QEMU keeps tables of a qcow2 file in its memory until it ends. */
async function closeDisks({ qemu, port }: TestMachine): Promise<void> {
  port.destroy();
  const { exitCode } = await qemu.stop('SIGTERM', closeSeconds);
  if (exitCode === 0) return;
  throw new ColdpatchError(
    'host_tool_failed',
    `Expected QEMU to close the copy, but it ended with ${exitCode}: ${qemu.lastWords()} The original is as it was.`,
  );
}
