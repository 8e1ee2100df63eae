import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probeKvm } from '../../appliance/acceleration.ts';
import { openAppliance } from '../../appliance/open-appliance.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { type ProgramOptions, runProgram, runProgramOrFail } from '../../lib/run-program.ts';
import { probeFuseExport } from '../hypervisors/qemu/probe-fuse-export.ts';
import { checkDevice, checkKernelFilesystem, checkNode, checkRoot } from './check-basics.ts';
import { checkContainer } from './check-container.ts';
import { checkDirectory } from './check-directory.ts';
import { checkEmulation, describeKvm, kvmUntried } from './check-kvm.ts';
import { checkPrograms } from './check-programs.ts';
import { tryAbility, untried } from './try-ability.ts';
import type { HostCheck, HostReport } from './types.ts';

export interface ExamineOptions {
  /** Folders in which images are, or will be. */
  readonly directories: readonly string[];
  readonly kvmProbeSeconds: number;
  /** Where the appliance is. */
  readonly cacheDirectory: string;
  readonly nodeVersion: string;
  readonly isRoot: boolean;
  readonly signal?: AbortSignal;
}

/** Finds out what this host can do by doing it, as far as that leaves nothing behind. */
export async function examineHost(options: ExamineOptions): Promise<HostReport> {
  const { checks, installCommand } = checkPrograms();
  const there = new Set(checks.filter(({ ok }) => ok).map(({ check }) => check));
  const workDirectory = await mkdtemp(join(tmpdir(), 'coldpatch-doctor-'));
  try {
    return {
      installCommand,
      checks: [
        checkNode(options.nodeVersion),
        checkRoot(options.isRoot),
        ...checks,
        ...(there.has('systemd-nspawn') ? [checkContainer(await versionOf('systemd-nspawn', options))] : []),
        checkDevice('/dev/fuse', 'fuse'),
        checkDevice('/dev/loop-control', 'loop'),
        checkKernelFilesystem('ext4', await readFile('/proc/filesystems', 'utf8')),
        ...(await checkAbilities(options, workDirectory)),
        ...(there.has('qemu-system-x86_64') ? await checkMachines(options) : []),
        ...(await Promise.all([...new Set(options.directories)].map(checkDirectory))).flat(),
      ],
    };
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

async function checkAbilities(
  { isRoot, signal }: ExamineOptions,
  workDirectory: string,
): Promise<readonly HostCheck[]> {
  if (!isRoot) return ['namespaces', 'loop devices', 'FUSE export'].map(untried);
  return [
    await tryAbility({
      check: 'namespaces',
      // Of root the appliance's QEMU runs in some, too.
      required: true,
      detail: 'private mounts and processes work',
      remedy: 'in a container, give it CAP_SYS_ADMIN, or run on the host itself',
      work: () =>
        succeed({
          file: 'unshare',
          args: [
            [
              '--mount',
              '--pid',
              '--ipc',
              '--fork',
              '--kill-child=KILL',
              '--mount-proc',
              '--propagation=slave',
            ],
            ['mount', '-t', 'tmpfs', 'coldpatch', workDirectory],
          ].flat(),
          signal,
        }),
    }),
    await tryAbility({
      check: 'loop devices',
      required: false,
      detail: 'one is free',
      remedy:
        'for the engine namespace: modprobe loop; in a container, pass /dev/loop-control and the loop devices in',
      work: () => succeed({ file: 'losetup', args: ['--find'], signal }),
    }),
    await tryAbility({
      check: 'FUSE export',
      required: false,
      detail: 'qemu-storage-daemon shows a disk as a file',
      remedy:
        'for the engine namespace: install qemu-storage-daemon with FUSE exports (Debian 12 or later has it), and modprobe fuse',
      async work() {
        if (await probeFuseExport(workDirectory, signal)) return;
        throw new ColdpatchError(
          'host_tool_failed',
          'Expected the exported disk to be the same, but it was not.',
        );
      },
    }),
  ];
}

async function checkMachines(options: ExamineOptions): Promise<readonly HostCheck[]> {
  const kvm = await checkKvm(options);
  return [kvm, checkEmulation(await versionOf('qemu-system-x86_64', options), kvm.ok)];
}

/** Asks again although the answer may be remembered: whoever calls for a doctor has changed something. */
async function checkKvm({ cacheDirectory, kvmProbeSeconds, signal }: ExamineOptions): Promise<HostCheck> {
  try {
    return describeKvm(
      await probeKvm({
        appliance: await openAppliance(cacheDirectory),
        cacheDirectory,
        timeoutSeconds: kvmProbeSeconds,
        again: true,
        signal: signal ?? new AbortController().signal,
      }),
    );
  } catch (error) {
    if (isColdpatchError(error, 'appliance_missing')) return kvmUntried;
    throw error;
  }
}

async function versionOf(file: string, { signal }: ExamineOptions): Promise<string> {
  const { stdout } = await runProgram({
    file,
    args: ['--version'],
    timeoutSeconds: 10,
    ...(signal && { signal }),
  });
  return stdout;
}

function succeed({
  file,
  args,
  signal,
}: Pick<ProgramOptions, 'file' | 'args'> & { readonly signal: AbortSignal | undefined }) {
  return runProgramOrFail({ file, args, timeoutSeconds: 10, ...(signal && { signal }) });
}
