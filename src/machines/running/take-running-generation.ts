import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import type { Monitor } from '../definitions/machine.ts';
import type { Qmp } from '../hypervisors/qemu/qmp.ts';
import { canFreeze } from '../hypervisors/qemu/quiesce-guest.ts';
import { assertNotPutBack } from '../machine-generations/assert-not-put-back.ts';
import { describeGeneration } from '../machine-generations/describe-generation.ts';
import { writeMachineIntent } from '../machine-generations/intent.ts';
import { keepPrepared, takeBackPrepared } from '../machine-generations/keep-prepared.ts';
import { readLog } from '../machine-generations/log.ts';
import { diskDirectories } from '../machine-generations/member-files.ts';
import { newestParent } from '../machine-generations/newest-parent.ts';
import { nextNumber } from '../machine-generations/next-number.ts';
import type { MachineContext } from '../machine-generations/read-generation.ts';
import type { TakenGeneration, TakeOptions } from '../machine-generations/take-generation.ts';
import { captureMachine } from './capture-machine.ts';
import { examineRunning, type RunningMachine } from './examine-running.ts';
import type { Intervention } from './intervention.ts';
import { chooseSocketDirectory } from './memory-socket.ts';
import { startReleaseGuard } from './release-guard.ts';
import { releaseMachine } from './release-machine.ts';

export interface TakeRunningOptions extends TakeOptions {
  readonly qmp: Qmp;
  readonly monitor: Monitor;
  /** Whether the memory is a member too. */
  readonly memory: boolean;
}

/**
 * Takes a generation of a machine that runs under QEMU: all its members as they are at one moment, or none.
 * The caller has the run lock of the machine and has recovered.
 *
 * What is done to the machine is written down first, and taken back whatever happens: by us, by the guard when we are
 * killed, or else by the next run.
 *
 * @throws ColdpatchError `machine_unreachable`, `machine_differs`, `machine_unsupported`, `hypervisor_failed`,
 * `image_in_use`, `machine_put_back`, `vtpm_broken`, `vtpm_key`, `host_space`, `generation_log_broken`.
 */
export async function takeRunningGeneration(
  context: MachineContext,
  options: TakeRunningOptions,
): Promise<TakenGeneration> {
  const { host, machine, state, key } = context;
  const { qmp, monitor, now, signal, onStep: step = () => undefined } = options;
  const running = await examineRunning(qmp, machine, monitor.qmp);
  assertCanRemember(running, options);
  const log = await readLog(host, key.publicKey);
  const parent = newestParent(context, log);
  const generation = await nextNumber(context, log);
  const directories = diskDirectories(machine, generation);
  const begin = (intervention: Intervention): Promise<void> =>
    writeMachineIntent(state, {
      operation: 'prepare',
      generation,
      directories: [...directories],
      running: intervention,
    });
  let intervention = await planIntervention(running, options);
  await using guard = await startReleaseGuard(intervention);
  await begin(intervention);
  await step('take_intended');
  try {
    const captured = await captureMachine(
      context,
      generation,
      { qmp, running, intervention },
      {
        ...options,
        step,
        async onLess(less) {
          intervention = less;
          await begin(less);
          guard.update(less);
        },
      },
    );
    const described = await describeGeneration(context, {
      generation,
      cause: options.cause,
      reason: options.reason,
      takenAt: captured.at,
      heldSeconds: captured.pauseSeconds,
      running: { pauseSeconds: captured.pauseSeconds, quiescence: captured.quiescence, qemu: running.qemu },
      parent,
      origin: null,
      log,
      acceptProblems: false,
      signal,
    });
    if (options.acceptPutBack !== true) assertNotPutBack(machine.name, described.manifest.findings);
    await step('take_described');
    signal?.throwIfAborted();
    await keepPrepared(context, generation, { now, onStep: step });
    return { number: generation, methods: captured.methods, ...described };
  } catch (error) {
    // QEMU serves one at a time, and a new connection works also where this one is what failed.
    qmp[Symbol.dispose]();
    await releaseMachine(intervention)
      .then(() => takeBackPrepared(context, generation, directories))
      // The intent stays: the next run tries it again.
      .catch(() => undefined);
    throw asHostSpaceError(error, state.path);
  }
}

/** Once its memory is written, QEMU lets the disks go until the guest runs again: nobody would hold them. */
function assertCanRemember({ runs }: RunningMachine, { memory }: TakeRunningOptions): void {
  if (runs || !memory) return;
  throw new ColdpatchError(
    'machine_differs',
    'Expected a guest that runs, to keep its memory, but it is paused. Let it run, or leave --memory out.',
  );
}

async function planIntervention(
  running: RunningMachine,
  { qmp, monitor, memory }: TakeRunningOptions,
): Promise<Intervention> {
  const freezes = running.runs && !memory && monitor.agent !== null && (await canFreeze(monitor.agent));
  return {
    qmp: monitor.qmp,
    agent: freezes ? monitor.agent : null,
    resume: running.runs,
    bandwidth: memory ? await migrationBandwidth(qmp) : null,
    socketDirectory: memory ? chooseSocketDirectory() : null,
  };
}

async function migrationBandwidth(qmp: Qmp): Promise<number> {
  const found = await qmp.execute(
    'query-migrate-parameters',
    z.object({ 'max-bandwidth': z.number().int() }),
  );
  return found['max-bandwidth'];
}
