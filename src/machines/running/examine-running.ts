import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import type { Machine } from '../definitions/machine.ts';
import { type RunningDrive, tpmsOf, writableDrives } from '../hypervisors/qemu/running-block.ts';
import type { Qmp } from '../hypervisors/qemu/qmp.ts';
import { lockFileName } from '../vtpm/state-files.ts';
import { assertSameProcess, differs } from './assert-same-process.ts';
import { memoryOf } from './memory-of.ts';
import { ownsSocket, processesWith } from './owns-socket.ts';

/** A machine as a QEMU runs it at the moment. */
export interface RunningMachine {
  /** Whether the guest runs; else its operator has paused it. */
  readonly runs: boolean;
  /** In the order of the definition. */
  readonly drives: readonly RunningDrive[];
  /** User that QEMU runs as. */
  readonly user: number;
  /** Its version. */
  readonly qemu: string;
  /** Bytes of memory that the guest has. */
  readonly memory: number;
}

/**
 * Makes sure that the QEMU behind a monitor runs this machine and nothing more: it, and nobody else, has the files of
 * the definition open for writing, the monitor is its own, it writes no other disk, and its TPM is the machine's.
 *
 * @throws ColdpatchError `machine_differs`, `machine_unsupported`, `image_in_use` when a block job is under way.
 */
export async function examineRunning(qmp: Qmp, machine: Machine, socket: string): Promise<RunningMachine> {
  const pid = assertSameProcess(pathsOf(machine), socket);
  const { status } = await qmp.execute('query-status', z.object({ status: z.string() }));
  if (status !== 'running' && status !== 'paused') {
    throw differs(`it is in the state "${status}"`, 'Wait until it runs, or switch it off.');
  }
  const drives = await writableDrives(qmp);
  const found = drives.map((drive) => ({ ...drive, path: realPathIn(pid, drive.file) }));
  const own = found.filter(({ path, isFlash }) => !isFlash || path !== machine.uefiVariables?.path);
  const disks = machine.disks.map((disk) => {
    const drive = own.find(({ path }) => path === disk.path);
    if (!drive) throw differs(`its QEMU has no disk ${disk.path}`);
    if (drive.hasBacking || drive.encrypted) {
      throw new ColdpatchError(
        'machine_unsupported',
        `Expected disks without backing files and without encryption, but ${disk.path} has ${drive.encrypted ? 'encryption' : 'a backing file'}.`,
      );
    }
    if (drive.format === disk.format) return drive;
    throw differs(`its disk ${disk.path} is open as ${drive.format} in place of ${disk.format}`);
  });
  const other = own.find(({ path }) => !machine.disks.some((disk) => disk.path === path));
  if (other) throw differs(`it writes to ${other.path} as well`);
  await assertSameTpm(qmp, machine, pid);
  await assertNoJobs(qmp);
  const { qemu } = await qmp.execute('query-version', versionSchema);
  return {
    runs: status === 'running',
    drives: disks,
    user: userOf(pid),
    qemu: `${qemu.major}.${qemu.minor}.${qemu.micro}`,
    memory: await memoryOf(qmp),
  };
}

const versionSchema = z.object({
  qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }),
});

/** Those that QEMU has open itself. */
function pathsOf({ disks, uefiVariables }: Machine): readonly string[] {
  return [...disks.map(({ path }) => path), ...(uefiVariables ? [uefiVariables.path] : [])];
}

async function assertSameTpm(qmp: Qmp, { vtpm }: Machine, pid: number): Promise<void> {
  const tpms = await tpmsOf(qmp);
  const [device] = tpms;
  if (!vtpm && device === undefined) return;
  if (!vtpm) throw differs('it has a TPM', 'Add the machine again with --tpm.');
  if (device === undefined || tpms.length > 1) throw differs(`it has ${tpms.length} TPMs`);
  const socket = socketOf(pid, device);
  if (socket === undefined) throw differs(`its command line names no socket for its TPM (${device})`);
  const state = vtpm.backend === 'directory' ? join(vtpm.path, lockFileName) : vtpm.path;
  if (processesWith(state).some((owner) => ownsSocket(owner, socket))) return;
  throw differs(`no swtpm behind ${socket} has the state ${vtpm.path} open`);
}

/** A monitor does not tell where a character device is connected to, and a TPM cannot be added to a machine that runs. */
function socketOf(pid: number, device: string): string | undefined {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  // A comma inside a value is written twice.
  const options = words
    .filter((_, index) => /^--?chardev$/.test(words[index - 1] ?? ''))
    .map((word) => word.split(/(?<!,),(?!,)/).map((option) => option.replaceAll(',,', ',')))
    .find((found) => found[0] === 'socket' && found.includes(`id=${device}`));
  const path = options?.find((option) => option.startsWith('path='))?.slice('path='.length);
  return path === undefined ? undefined : realPathIn(pid, path);
}

async function assertNoJobs(qmp: Qmp): Promise<void> {
  const [job] = await qmp.execute('query-jobs', z.array(z.object({ id: z.string(), type: z.string() })));
  if (!job) return;
  throw new ColdpatchError(
    'image_in_use',
    `Expected disks that nothing works on but the guest, but QEMU carries out the job ${job.id} (${job.type}). Wait until it has ended.`,
  );
}

function realPathIn(pid: number, file: string): string {
  return realPathOr(resolve(readlinkSync(`/proc/${pid}/cwd`), file));
}

function realPathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** The second number is the effective one: proc_pid_status(5). */
function userOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}
