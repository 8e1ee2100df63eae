import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { assertNotPutBack } from './assert-not-put-back.ts';
import { describeGeneration } from './describe-generation.ts';
import { holdMachine } from './hold-machine.ts';
import { writeMachineIntent } from './intent.ts';
import { keepPrepared, takeBackPrepared } from './keep-prepared.ts';
import { readLog } from './log.ts';
import type { Manifest } from './manifest.ts';
import { diskDirectories } from './member-files.ts';
import { newestParent } from './newest-parent.ts';
import { nextNumber } from './next-number.ts';
import { prepareMembers } from './prepare-generation.ts';
import type { MachineContext } from './read-generation.ts';
import type { OnMachineStep } from './steps.ts';

export interface TakeOptions {
  readonly cause: 'request' | 'update' | 'schedule';
  readonly reason: string;
  /** Free space that must remain on each filesystem, in bytes. */
  readonly reserve: bigint;
  /** Takes also what somebody put back by hand, with the findings in the manifest. */
  readonly acceptPutBack?: boolean | undefined;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: OnMachineStep | undefined;
}

export interface TakenGeneration {
  readonly number: number;
  readonly manifest: Manifest;
  readonly digest: string;
  /** For each disk. */
  readonly methods: readonly ('reflink' | 'copy' | 'link' | 'backup')[];
}

/**
 * Takes a generation of a machine that is switched off: all its members, or none.
 * The caller has the run lock of the machine and has recovered.
 *
 * The machine is held only while its members are copied, which is a moment where the filesystem can reflink;
 * digests are made, and the vTPM is started, on the copies.
 *
 * @throws ColdpatchError `image_in_use`, `image_changed`, `machine_put_back`, `vtpm_broken`, `vtpm_key`, `host_space`, `generation_log_broken`.
 */
export async function takeGeneration(
  context: MachineContext,
  options: TakeOptions,
): Promise<TakenGeneration> {
  const { host, machine, state, key } = context;
  const { now, signal, onStep: step = () => undefined } = options;
  const log = await readLog(host, key.publicKey);
  const parent = newestParent(context, log);
  const generation = await nextNumber(context, log);
  const directories = diskDirectories(machine, generation);
  await writeMachineIntent(state, { operation: 'prepare', generation, directories: [...directories] });
  await step('take_intended');
  try {
    const held = await copyHeld(context, generation, options);
    const described = await describeGeneration(context, {
      generation,
      cause: options.cause,
      reason: options.reason,
      takenAt: held.at,
      heldSeconds: held.seconds,
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
    return { number: generation, methods: held.methods, ...described };
  } catch (error) {
    await takeBackPrepared(context, generation, directories).catch(() => undefined);
    throw asHostSpaceError(error, state.path);
  }
}

async function copyHeld(context: MachineContext, generation: number, options: TakeOptions) {
  const { onStep: step = () => undefined } = options;
  await using hold = await holdMachine(context.machine);
  const at = options.now();
  const began = performance.now();
  const methods = await prepareMembers(context, generation, { disks: 'copy', ...options });
  await step('take_copied');
  // Each copy is of one moment; that all are of the same one is known only by this.
  await hold.assertHeld();
  const seconds = (performance.now() - began) / 1000;
  await hold.release();
  await step('take_released');
  return { at, methods, seconds };
}
