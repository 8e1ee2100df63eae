import { cp, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withAppliance } from '../../appliance/run-appliance.ts';
import type { Accelerator, Appliance } from '../../appliance/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { runProgramOrFail } from '../../lib/run-program.ts';
import { probeScript } from './probe-script.ts';
import { layOver, type TestDisk } from './test-disk.ts';
import type { Probe } from './types.ts';

export interface PrepareOptions {
  readonly appliance: Appliance;
  readonly accelerator: Accelerator;
  readonly disk: TestDisk;
  /** Lines of `PARTITION FIRST-SECTOR PATH`, the root first; or why there are none. */
  readonly mounts: { readonly lines: string } | { readonly reason: string };
  readonly probes: readonly Probe[];
  /** A directory that does not exist; made, and removed by the caller. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface PreparedClone {
  readonly disk: TestDisk;
  /** Why the job is not in it; undefined when it is. */
  readonly notAsked?: string;
}

const scripts = join(import.meta.dirname, 'clone-scripts');
const startSeconds = 300;
const jobSeconds = 900;
const memoryMebibytes = 512;
const jobDiskBytes = 8 * 1024 * 1024;
/** See clone-scripts/prepare.sh. */
const noSystemd = 73;

/**
 * Puts the job that reports from inside into a clone of a disk, in the appliance: the disk is as hostile as any.
 * A clone into which it cannot be put is started without it.
 *
 * @throws ColdpatchError `host_tool_missing`, `host_tool_failed`.
 */
export async function prepareClone(options: PrepareOptions): Promise<PreparedClone> {
  const { disk, mounts, directory, signal } = options;
  if ('reason' in mounts) return { disk, notAsked: mounts.reason };
  await mkdir(directory, { mode: 0o700 });
  const clone = await layOver(disk, join(directory, 'prepared'));
  const jobDisk = join(directory, 'job-disk');
  await makeJobDisk(options, mounts.lines, jobDisk);
  try {
    const exitCode = await runJob(options, clone, jobDisk);
    if (exitCode === 0) return { disk: clone };
    const notAsked =
      exitCode === noSystemd
        ? 'its first process is not systemd'
        : 'the job could not be put into it, because its filesystems cannot be mounted for writing';
    return { disk, notAsked };
  } catch (error) {
    signal.throwIfAborted();
    if (!isColdpatchError(error, 'appliance_failed', 'appliance_timeout')) throw error;
    return { disk, notAsked: `the job could not be put into it: ${error.message.split('\n')[0] ?? ''}` };
  }
}

async function makeJobDisk(
  { probes, directory, signal }: PrepareOptions,
  mounts: string,
  path: string,
): Promise<void> {
  const tree = join(directory, 'job');
  const guest = join(tree, 'guest');
  await mkdir(guest, { recursive: true });
  await cp(join(scripts, 'prepare.sh'), join(tree, 'prepare.sh'));
  for (const name of ['report.sh', 'coldpatch-boot-test.service'])
    await cp(join(scripts, name), join(guest, name));
  for (const [index, probe] of probes.entries())
    await writeFile(join(guest, `probe-${index}`), probeScript(probe));
  await writeFile(join(tree, 'mounts'), mounts);
  await using file = await open(path, 'wx', 0o600);
  await file.truncate(jobDiskBytes);
  await runProgramOrFail({
    file: 'mke2fs',
    args: [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-O',
      '^has_journal',
      '-m',
      '0',
      '-E',
      'root_owner=0:0',
      '-d',
      tree,
      path,
    ],
    timeoutSeconds: 120,
    signal,
  });
}

function runJob(
  { appliance, accelerator, signal }: PrepareOptions,
  { chain: [file, ...backing] }: TestDisk,
  jobDisk: string,
): Promise<number> {
  return withAppliance(
    {
      appliance,
      accelerator,
      memoryMebibytes,
      startSeconds,
      signal,
      disks: [
        { serial: 'clone', file, backing, writable: true },
        { serial: 'job', file: { path: jobDisk, format: 'raw' }, writable: false },
      ],
    },
    (running) => running.run({ name: 'prepare.sh', seconds: jobSeconds, onLine: () => undefined }),
  );
}
