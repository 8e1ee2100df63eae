import { chmod, chown, lstat, open, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { runProgram, runProgramOrFail } from '../../lib/run-program.ts';
import { assertFreeSpace } from '../assert-free-space.ts';
import type { RunningDrive } from '../hypervisors/qemu/running-block.ts';
import { nothing, type Qmp } from '../hypervisors/qemu/qmp.ts';
import { assertNoWriters } from '../machine-generations/find-writers.ts';

export interface BackupTarget {
  /** The file that the disk of the generation becomes. */
  readonly path: string;
  /** Of the block node in QEMU. */
  readonly node: string;
  readonly drive: RunningDrive;
}

export interface TargetOptions {
  /** User that QEMU runs as. */
  readonly user: number;
  /** Bytes that must stay free. */
  readonly reserve: bigint;
}

const defaultCluster = 65_536;
const slack = 64 * 1024 * 1024;
const minute = 60;
const largestMap = 256 * 1024 * 1024;
/** Bytes in one command of qemu-io. */
const mostDiscarded = 1024 ** 3;

const mapSchema = z.array(
  z.object({ start: z.number(), length: z.number(), zero: z.boolean(), data: z.boolean() }),
);

/**
 * Makes the file that QEMU copies a disk to, and opens it there.
 * All of its room is taken first: when a copy runs out of room, QEMU fails the writes of the guest.
 *
 * @throws ColdpatchError `host_space`, `hypervisor_failed` when QEMU may not open it.
 */
export async function addBackupTarget(
  qmp: Qmp,
  { path, node, drive }: BackupTarget,
  { user, reserve }: TargetOptions,
): Promise<void> {
  const isQcow2 = drive.format === 'qcow2';
  const room = drive.virtualSize + (isQcow2 ? Math.ceil(drive.virtualSize / 1000) + slack : 0);
  await assertFreeSpace(dirname(path), BigInt(room) + reserve);
  await (await open(path, 'wx', 0o600)).close();
  if (isQcow2) {
    await runProgramOrFail({
      file: 'qemu-img',
      args: [
        ['create', '-q', '-f', 'qcow2', '-o'],
        `compat=1.1,cluster_size=${drive.clusterSize ?? defaultCluster}`,
        ['--', path, String(drive.virtualSize)],
      ].flat(),
      timeoutSeconds: minute,
    });
  } else {
    await truncate(path, drive.virtualSize);
  }
  await takeRoom(path, room);
  if (user !== process.geteuid?.()) await letIn(path, user);
  const options = {
    'node-name': node,
    driver: drive.format,
    discard: 'unmap',
    'detect-zeroes': 'unmap',
    file: { driver: 'file', filename: path },
  };
  try {
    await qmp.execute('blockdev-add', nothing, { arguments: options });
  } catch (error) {
    throw new ColdpatchError(
      'hypervisor_failed',
      `Expected QEMU to open ${path} for the copy of ${drive.file}, but: ${(error as Error).message} ` +
        'Where a security profile forbids it, keep the disks on a filesystem with reflinks (XFS, Btrfs).',
      { cause: error },
    );
  }
}

/** What QEMU has written becomes ours alone. The node must be gone. Nothing is synced. @throws ColdpatchError `image_in_use`. */
export async function takeOverTarget({ path, drive }: BackupTarget): Promise<void> {
  assertNoWriters([path]);
  // Gives back what was taken beyond the end.
  await truncate(path, (await lstat(path)).size);
  if (drive.format === 'raw') await makeHoles(path);
  await chown(path, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
  await chmod(path, 0o600);
  for (const directory of ownDirectories(path)) await chmod(directory, 0o700);
}

async function takeRoom(path: string, room: number): Promise<void> {
  const { exitCode, stderr } = await runProgram({
    file: 'fallocate',
    args: ['--keep-size', '--length', String(room), '--', path],
    timeoutSeconds: 10 * minute,
  });
  // A filesystem that cannot promise room has shown at least that there is some.
  if (exitCode === 0 || /not supported/i.test(stderr)) return;
  throw new ColdpatchError(
    'host_space',
    `Expected room for ${room} bytes at ${path}, but found: ${stderr.trim().slice(0, 300)}`,
  );
}

/** Gives back the room that was taken and where nothing but zeros came to be. */
async function makeHoles(path: string): Promise<void> {
  const { stdout } = await runProgramOrFail({
    file: 'qemu-img',
    args: ['map', '--output=json', '-f', 'raw', '--', path],
    timeoutSeconds: 10 * minute,
    maxOutputBytes: largestMap,
  });
  const holes = mapSchema.parse(JSON.parse(stdout)).filter(({ zero, data }) => zero && !data);
  const commands = holes.flatMap(({ start, length }) =>
    Array.from({ length: Math.ceil(length / mostDiscarded) }, (_, index) => {
      const offset = index * mostDiscarded;
      return `discard ${start + offset} ${Math.min(mostDiscarded, length - offset)}\n`;
    }),
  );
  if (commands.length === 0) return;
  await runProgramOrFail({
    file: 'qemu-io',
    args: ['-f', 'raw', '-d', 'unmap', '--', path],
    input: commands.join(''),
    timeoutSeconds: 10 * minute,
  });
}

/** The file is for QEMU's user alone; the directories above let it through and show nothing. */
async function letIn(path: string, user: number): Promise<void> {
  await chown(path, user, -1);
  const own = ownDirectories(path);
  // Above is that of all machines, and stays open: another may be at it.
  for (const directory of [...own, dirname(own[1])]) await chmod(directory, 0o711);
}

/** Of the generation, and of the machine. */
function ownDirectories(path: string): readonly [string, string] {
  return [dirname(path), dirname(dirname(path))];
}
