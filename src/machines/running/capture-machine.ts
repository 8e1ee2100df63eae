import { chmod, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { syncDirectory, syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { assertFreeSpace } from '../assert-free-space.ts';
import { copyImage, reflink } from '../copy-image.ts';
import { stagedDirectory } from '../generations/generation-paths.ts';
import { nothing, type Qmp } from '../hypervisors/qemu/qmp.ts';
import { freezeGuest, type Quiescence, thawGuest } from '../hypervisors/qemu/quiesce-guest.ts';
import {
  besideDirectory,
  type MemberFile,
  memberFilesOf,
  memoryFileOf,
  preparedPath,
} from '../machine-generations/member-files.ts';
import { makeBesideDirectory } from '../machine-generations/prepare-generation.ts';
import type { MachineContext } from '../machine-generations/read-generation.ts';
import type { OnMachineStep } from '../machine-generations/steps.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';
import { isThere } from '../vtpm/state-files.ts';
import { addBackupTarget, type BackupTarget, takeOverTarget } from './backup-target.ts';
import { copyPaused } from './copy-paused.ts';
import type { RunningMachine } from './examine-running.ts';
import { type Intervention, ownPrefix } from './intervention.ts';
import { receiveMemory } from './receive-memory.ts';
import { endJobs, limitMigration, removeNodes, removeSocket, resumeGuest } from './release-machine.ts';

export interface CaptureOptions {
  readonly memory: boolean;
  readonly reserve: bigint;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  readonly step: OnMachineStep;
  /** Called when there is less to take back than before. */
  readonly onLess: (intervention: Intervention) => Promise<void>;
}

export interface Capture {
  readonly at: Date;
  readonly pauseSeconds: number;
  readonly quiescence: Quiescence | 'in_memory';
  /** For each disk. */
  readonly methods: readonly CaptureMethod[];
}

/** `backup` lets QEMU copy what was there at the moment of the pause, while the guest runs again. */
type CaptureMethod = 'reflink' | 'copy' | 'backup';

interface DiskPlan {
  readonly member: MemberFile;
  readonly to: string;
  readonly method: CaptureMethod;
  readonly target: BackupTarget | undefined;
}

/** Bytes a second: more than any disk writes. */
const unlimited = 2 ** 40;
const pollMilliseconds = 200;
/** Without any byte copied. */
const stuckSeconds = 600;
const jobsSchema = z.array(
  z.object({
    id: z.string(),
    status: z.string(),
    'current-progress': z.number(),
    error: z.string().optional(),
  }),
);

/**
 * Copies all members of a machine that runs, as they are at one moment, at which its guest stands still.
 * That is as short as can be: what is not a reflink is copied while the guest runs again. Only with its memory it stands
 * still for as long as that takes.
 *
 * Whatever is thrown, the caller takes the intervention back.
 */
export async function captureMachine(
  context: MachineContext,
  generation: number,
  { qmp, running, intervention }: Intervened,
  options: CaptureOptions,
): Promise<Capture> {
  const { step, signal } = options;
  const plans = await planDisks(context, generation, running, options);
  for (const { target } of plans) {
    if (target) await addBackupTarget(qmp, target, { user: running.user, reserve: options.reserve });
  }
  await step('run_readied');
  const quiescence = await quiesce(intervention, options);
  await step('run_frozen');
  signal?.throwIfAborted();
  const paused = await whilePaused(context, generation, { qmp, running, intervention, plans }, options);
  await step('run_resumed');
  await thaw(intervention);
  await step('run_thawed');
  // From here on somebody else may pause or freeze the guest, and that is not ours to take back.
  await options.onLess({ ...intervention, resume: false, agent: null, bandwidth: null });
  await finishBackups(qmp, plans, options);
  await syncMembers(context, generation, options.memory);
  await removeSocket(intervention);
  await step('run_released');
  return { ...paused, quiescence, methods: plans.map(({ method }) => method) };
}

export interface Intervened {
  readonly qmp: Qmp;
  readonly running: RunningMachine;
  readonly intervention: Intervention;
}

async function planDisks(
  { machine, state }: MachineContext,
  generation: number,
  running: RunningMachine,
  { memory, reserve }: CaptureOptions,
): Promise<readonly DiskPlan[]> {
  await makePrivateDirectory(stagedDirectory(state, generation));
  const disks = memberFilesOf(machine).filter(({ kind }) => kind === 'disk');
  const plans: DiskPlan[] = [];
  for (const [index, member] of disks.entries()) {
    const drive = running.drives[index];
    if (!drive) throw new ColdpatchError('internal', `Expected a drive for ${member.name}.`);
    const to = preparedPath(state, machine, generation, member);
    await makeBesideDirectory(besideDirectory(machine, member, String(generation)));
    // Also has the kernel write out what it holds of the disk, so that nothing is left to write in the pause.
    const shares = await reflink(member.path, to);
    await rm(to, { force: true });
    const method = shares ? 'reflink' : memory ? 'copy' : 'backup';
    const target =
      method === 'backup' ? { path: to, node: `${ownPrefix}${generation}-${index}`, drive } : undefined;
    plans.push({ member, to, method, target });
  }
  if (memory) {
    const file = memoryFileOf(machine);
    const directory = besideDirectory(machine, file, String(generation));
    await assertFreeSpace(directory, BigInt(running.memory) + reserve);
  }
  return plans;
}

async function quiesce(
  { agent }: Intervention,
  { memory }: CaptureOptions,
): Promise<Quiescence | 'in_memory'> {
  // What the guest has not written yet is in its memory.
  if (memory) return 'in_memory';
  return agent === null ? 'no_agent' : freezeGuest(agent);
}

async function thaw({ agent }: Intervention): Promise<void> {
  if (agent === null || (await thawGuest(agent))) return;
  throw new ColdpatchError(
    'hypervisor_failed',
    `Expected the agent in the guest at ${agent} to thaw its filesystems, but it did not. The next command on the machine tries it again.`,
  );
}

async function whilePaused(
  context: MachineContext,
  generation: number,
  { qmp, running, intervention, plans }: Intervened & { readonly plans: readonly DiskPlan[] },
  { memory, now, signal, step }: CaptureOptions,
): Promise<Pick<Capture, 'at' | 'pauseSeconds'>> {
  const { machine, state } = context;
  if (memory) await limitMigration(qmp, unlimited);
  const began = performance.now();
  // QEMU also waits for all its writes, and writes out what it holds of the formats of the disks.
  if (running.runs) await qmp.execute('stop', nothing);
  const at = now();
  await step('run_paused');
  const small = memberFilesOf(machine).filter(({ kind }) => kind !== 'disk');
  await copyPaused(
    small.map((member) => ({
      path: member.path,
      to: preparedPath(state, machine, generation, member),
      isMapped: member.path === machine.vtpm?.path,
    })),
  );
  for (const plan of plans) await copyDisk(plan, signal);
  await startBackups(qmp, plans);
  await step('run_copied');
  if (memory) {
    const directory = intervention.socketDirectory;
    if (directory === null) throw new ColdpatchError('internal', 'Expected a directory for the socket.');
    const path = preparedPath(state, machine, generation, memoryFileOf(machine));
    await receiveMemory(qmp, { path, socketDirectory: directory, user: running.user, signal });
    await step('run_remembered');
  }
  if (intervention.resume) await resumeGuest(qmp);
  const pauseSeconds = running.runs ? (performance.now() - began) / 1000 : 0;
  if (intervention.bandwidth !== null) await limitMigration(qmp, intervention.bandwidth);
  return { at, pauseSeconds };
}

async function copyDisk({ member, to, method }: DiskPlan, signal: AbortSignal | undefined): Promise<void> {
  if (method === 'backup') return;
  if (method === 'copy') {
    await copyImage(member.path, to, signal ? { signal } : {});
    return;
  }
  if (await reflink(member.path, to)) return;
  throw new ColdpatchError('internal', `Expected ${member.path} to share its blocks, as it did before.`);
}

/** All or none: in one transaction, so that one disk is never copied without the others. */
async function startBackups(qmp: Qmp, plans: readonly DiskPlan[]): Promise<void> {
  const actions = plans.flatMap(({ target }) =>
    target
      ? [
          {
            type: 'blockdev-backup',
            data: {
              'job-id': target.node,
              device: target.drive.node,
              target: target.node,
              sync: 'full',
              'auto-dismiss': false,
            },
          },
        ]
      : [],
  );
  if (actions.length === 0) return;
  await qmp.execute('transaction', nothing, {
    arguments: { actions, properties: { 'completion-mode': 'grouped' } },
  });
}

async function finishBackups(
  qmp: Qmp,
  plans: readonly DiskPlan[],
  { signal, step }: CaptureOptions,
): Promise<void> {
  const targets = plans.flatMap(({ target }) => target ?? []);
  if (targets.length === 0) return;
  await step('run_copying');
  let copied = { progress: -1, at: performance.now() };
  for (;;) {
    signal?.throwIfAborted();
    const jobs = await qmp.execute('query-jobs', jobsSchema);
    const own = targets.map(({ node }) => jobs.find(({ id }) => id === node));
    const failed = own.findIndex((job) => job === undefined || job.error !== undefined);
    if (failed >= 0) {
      throw new ColdpatchError(
        'hypervisor_failed',
        `Expected QEMU to copy ${targets[failed]?.drive.file}, but it did not: ${own[failed]?.error ?? 'the job was ended by somebody else'}.`,
      );
    }
    if (own.every((job) => job?.status === 'concluded')) break;
    const progress = own.reduce((sum, job) => sum + (job?.['current-progress'] ?? 0), 0);
    if (progress !== copied.progress) copied = { progress, at: performance.now() };
    if (performance.now() - copied.at > stuckSeconds * 1000) throw stuckAt(own.map((job) => job?.status));
    await delay(pollMilliseconds);
  }
  await endJobs(qmp);
  await removeNodes(qmp);
  for (const target of targets) await takeOverTarget(target);
}

function stuckAt(states: readonly (string | undefined)[]): ColdpatchError {
  return new ColdpatchError(
    'hypervisor_failed',
    `Expected QEMU to go on copying, but its jobs (${states.join(', ')}) did nothing for ${stuckSeconds} s. ` +
      'Somebody may have paused them, or the storage hangs.',
  );
}

async function syncMembers(
  { machine, state }: MachineContext,
  generation: number,
  memory: boolean,
): Promise<void> {
  const files = [...memberFilesOf(machine), ...(memory ? [memoryFileOf(machine)] : [])];
  for (const file of files) {
    const path = preparedPath(state, machine, generation, file);
    if (!isThere(path)) continue;
    await chmod(path, 0o600);
    await syncFile(path);
    await syncDirectory(dirname(path));
  }
}
