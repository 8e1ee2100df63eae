import { keepingOf } from '../config/keeping-of.ts';
import type { Config } from '../config/schema.ts';
import { ColdpatchError, type ErrorCode, isColdpatchError } from '../lib/errors.ts';
import type { Monitor } from '../machines/definitions/machine.ts';
import { openHostState } from '../machines/definitions/host-state.ts';
import { listMachines } from '../machines/definitions/read-machine.ts';
import { connectQmp } from '../machines/hypervisors/qemu/qmp.ts';
import { assertRoom, type Room } from '../machines/machine-generations/assert-room.ts';
import { isDue } from '../machines/machine-generations/is-due.ts';
import { readLog } from '../machines/machine-generations/log.ts';
import { pruneGenerations } from '../machines/machine-generations/prune-generations.ts';
import type { MachineContext } from '../machines/machine-generations/read-generation.ts';
import { type TakenGeneration, takeGeneration } from '../machines/machine-generations/take-generation.ts';
import { withMachine } from '../machines/machine-generations/with-machine.ts';
import { pruneDiskGenerations } from '../machines/prune-disk-generations.ts';
import { memoryOf } from '../machines/running/memory-of.ts';
import { takeRunningGeneration } from '../machines/running/take-running-generation.ts';
import { openServiceKey } from '../machines/signing/service-key.ts';
import { crashTest } from './crash-test.ts';

const now = (): Date => new Date();

/** What must stay free for a machine: the more of what the configuration and the command say. */
export function reserveOf(config: Config, machine: string, asked: bigint): bigint {
  const configured = BigInt(keepingOf(config, machine).reserveBytes ?? 0);
  return configured > asked ? configured : asked;
}

/** @throws ColdpatchError `host_space`, `generation_budget`. */
export async function assertRoomToTake(
  config: Config,
  context: MachineContext,
  room: Omit<Room, 'budget'>,
): Promise<void> {
  const { budgetBytes: budget } = keepingOf(config, context.machine.name);
  await assertRoom(context, { ...room, budget });
}

/**
 * After a generation was taken, or an image was replaced; what updates left beside the disks goes as well.
 * @returns the numbers of those that went.
 * @throws ColdpatchError that says what was done all the same.
 */
export async function pruneAsConfigured(config: Config, context: MachineContext): Promise<readonly number[]> {
  const { keep, maxAgeDays, maxBytes } = keepingOf(config, context.machine.name);
  try {
    await pruneDiskGenerations(context.machine);
    if (keep === undefined && maxAgeDays === undefined && maxBytes === undefined) return [];
    const options = { now, onStep: crashTest(process.env) };
    return await pruneGenerations(context, { keep, maxAgeDays, maxBytes }, options);
  } catch (cause) {
    if (!isColdpatchError(cause)) throw cause;
    throw new ColdpatchError(
      cause.code,
      `Expected to delete generations that are kept no longer, but: ${cause.message} ` +
        'What was done before is done, and is not to be done again: the new generation is kept, and an upgraded image is in its place.',
      { cause },
    );
  }
}

export interface KeptTake {
  readonly taken: TakenGeneration;
  /** Numbers of the generations that retention deleted afterwards. */
  readonly pruned: readonly number[];
}

export interface TakeRequest {
  readonly cause: 'request' | 'schedule';
  readonly reason: string;
  readonly reserve: bigint;
  readonly acceptPutBack: boolean;
  /** Of a machine that runs: whether its memory is a member too. */
  readonly memory: boolean;
  /** In place of what the definition of the machine says. */
  readonly monitor?: Monitor | undefined;
  readonly signal: AbortSignal;
}

/** Takes one generation within its limits: of a machine that runs when its monitor answers, else of one that is off. */
export async function takeKept(
  config: Config,
  context: MachineContext,
  request: TakeRequest,
): Promise<KeptTake> {
  const reserve = reserveOf(config, context.machine.name, request.reserve);
  const taken = await takeOffOrRunning(config, context, { ...request, reserve });
  return { taken, pruned: await pruneAsConfigured(config, context) };
}

async function takeOffOrRunning(
  config: Config,
  context: MachineContext,
  request: TakeRequest,
): Promise<TakenGeneration> {
  const options = { ...request, now, onStep: crashTest(process.env) };
  const monitor = request.monitor ?? context.machine.monitor;
  using qmp = monitor && (await connectQmp(monitor.qmp));
  const memory = qmp && request.memory ? await memoryOf(qmp) : 0;
  await assertRoomToTake(config, context, { reserve: request.reserve, memory });
  if (monitor && qmp) return await takeRunningGeneration(context, { ...options, qmp, monitor });
  if (!request.memory) return await takeGeneration(context, options);
  throw new ColdpatchError(
    'machine_unreachable',
    `Expected a running machine for its memory, but nobody answers ${monitor ? `on ${monitor.qmp}` : 'because no --qmp is known of it'}.`,
  );
}

/** What became of one machine when all that were due were taken. */
export type DueAnswer = { readonly machine: string } & (
  | { readonly answer: 'taken'; readonly generation: number; readonly pruned: readonly number[] }
  | { readonly answer: 'not_due' }
  /** It runs, or another run of coldpatch works on it: it is due again the next time. */
  | { readonly answer: 'in_use'; readonly detail: string }
  | { readonly answer: 'failed'; readonly code: ErrorCode; readonly detail: string }
);

/** `coldpatch generations take --all-due`: one machine that fails does not keep the others from being taken. */
export async function takeAllDue(
  config: Config,
  request: { readonly reserve: bigint; readonly signal: AbortSignal },
): Promise<readonly DueAnswer[]> {
  const host = await openHostState(config.stateDirectory);
  const key = await openServiceKey(host);
  const answers: DueAnswer[] = [];
  for (const { name: machine, id } of await listMachines(host)) {
    request.signal.throwIfAborted();
    const { everyHours } = keepingOf(config, machine);
    if (everyHours === undefined) continue;
    const due = isDue(await readLog(host, key.publicKey), id, everyHours, now());
    answers.push(due ? await takeDue(config, machine, everyHours, request) : { machine, answer: 'not_due' });
  }
  return answers;
}

async function takeDue(
  config: Config,
  machine: string,
  everyHours: number,
  request: { readonly reserve: bigint; readonly signal: AbortSignal },
): Promise<DueAnswer> {
  const settling = { now, onStep: crashTest(process.env) };
  try {
    const { taken, pruned } = await withMachine(config.stateDirectory, machine, settling, (context) =>
      takeKept(config, context, {
        ...request,
        cause: 'schedule',
        reason: `due every ${everyHours} h`,
        acceptPutBack: false,
        memory: false,
      }),
    );
    return { machine, answer: 'taken', generation: taken.number, pruned };
  } catch (error) {
    if (!isColdpatchError(error) || error.code === 'interrupted') throw error;
    const detail = error.message;
    if (error.code === 'image_in_use' || error.code === 'image_busy')
      return { machine, answer: 'in_use', detail };
    return { machine, answer: 'failed', code: error.code, detail };
  }
}
