import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import type { Retention } from '../machines/machine-generations/choose-expired.ts';
import { exportGeneration } from '../machines/machine-generations/export-generation.ts';
import { importGeneration } from '../machines/machine-generations/import-generation.ts';
import { readPublicKey } from '../machines/signing/service-key.ts';
import {
  compareGenerations,
  type GenerationDifference,
} from '../machines/machine-generations/compare-generations.ts';
import { deleteGeneration } from '../machines/machine-generations/delete-generation.ts';
import { examinePresent, type Present } from '../machines/machine-generations/examine-present.ts';
import { readLog } from '../machines/machine-generations/log.ts';
import { type Notice, noticePresent } from '../machines/machine-generations/notice-present.ts';
import { pruneGenerations } from '../machines/machine-generations/prune-generations.ts';
import { readGenerations } from '../machines/machine-generations/read-generations.ts';
import {
  type GenerationAnswer,
  type MachineContext,
  type MachineGeneration,
  numbersOf,
  readGeneration,
} from '../machines/machine-generations/read-generation.ts';
import {
  type RolledBackMachine,
  rollBackMachine,
} from '../machines/machine-generations/roll-back-machine.ts';
import type { MachineSettlement } from '../machines/machine-generations/settle-machine.ts';
import { withMachine } from '../machines/machine-generations/with-machine.ts';
import { crashTest } from './crash-test.ts';
import { type KeptTake, reserveOf, takeKept, type TakeRequest } from './keeping.ts';

export interface MachineRequest {
  readonly machine: string;
  readonly signal: AbortSignal;
}

const now = (): Date => new Date();

function inMachine<Result>(
  config: Config,
  { machine }: MachineRequest,
  work: (context: MachineContext, settled: MachineSettlement | undefined) => Promise<Result>,
): Promise<Result> {
  return withMachine(config.stateDirectory, machine, { now, onStep: crashTest(process.env) }, work);
}

/** `coldpatch generations take`: of a machine that runs when its monitor answers, else of one that is off. */
export function takeMachineGeneration(
  config: Config,
  request: MachineRequest & Omit<TakeRequest, 'cause'>,
): Promise<KeptTake> {
  return inMachine(config, request, (context) => takeKept(config, context, { ...request, cause: 'request' }));
}

/** `coldpatch generations list`; `verify` looks closer. */
export function listMachineGenerations(
  config: Config,
  request: MachineRequest,
): Promise<{ readonly generations: readonly GenerationAnswer[]; readonly notice: Notice }> {
  return inMachine(config, request, async (context) => {
    const log = await readLog(context.host, context.key.publicKey);
    const generations = await readGenerations(context, log, { ...request, digests: false });
    return { generations, notice: await noticePresent(context, request.signal) };
  });
}

/** `coldpatch generations show`. */
export function showMachineGeneration(
  config: Config,
  request: MachineRequest & { readonly generation: number },
): Promise<{ readonly generation: MachineGeneration; readonly notice: Notice }> {
  return inMachine(config, request, async (context) => {
    const log = await readLog(context.host, context.key.publicKey);
    const generation = await readGeneration(context, log, request.generation, { digests: false });
    return { generation, notice: await noticePresent(context, request.signal) };
  });
}

export interface MachineVerification {
  readonly generations: readonly GenerationAnswer[];
  readonly present: Present;
  /** What an earlier, killed run had begun and what became of it. */
  readonly settled: MachineSettlement | null;
}

/** `coldpatch generations verify`. */
export function verifyMachine(config: Config, request: MachineRequest): Promise<MachineVerification> {
  return inMachine(config, request, async (context, settled) => {
    const log = await readLog(context.host, context.key.publicKey);
    const generations = await readGenerations(context, log, { ...request, digests: true });
    const complete = generations.filter((one) => one.answer === 'complete');
    const present = await examinePresent(context, log, complete, { quick: false, signal: request.signal });
    return { generations, present, settled: settled ?? null };
  });
}

/** `coldpatch generations diff`. */
export function diffMachineGenerations(
  config: Config,
  request: MachineRequest & { readonly before: number; readonly after: number },
): Promise<GenerationDifference> {
  return inMachine(config, request, async (context) => {
    const log = await readLog(context.host, context.key.publicKey);
    const read = (number: number) => readGeneration(context, log, number, { digests: false });
    return compareGenerations((await read(request.before)).manifest, (await read(request.after)).manifest);
  });
}

/** `coldpatch generations delete`. @returns the numbers. */
export function deleteMachineGenerations(
  config: Config,
  request: MachineRequest & { readonly generations: readonly number[] | 'all' },
): Promise<readonly number[]> {
  return inMachine(config, request, async (context) => {
    const log = await readLog(context.host, context.key.publicKey);
    const numbers = request.generations === 'all' ? await numbersOf(context, log) : request.generations;
    for (const number of numbers) {
      request.signal.throwIfAborted();
      await deleteGeneration(context, log, number, { now, onStep: crashTest(process.env) });
    }
    return numbers;
  });
}

/** `coldpatch generations rollback`. */
export function rollBackWholeMachine(
  config: Config,
  request: MachineRequest & { readonly generation?: number | undefined; readonly reserve: bigint },
): Promise<RolledBackMachine> {
  return inMachine(config, request, (context) =>
    rollBackMachine(context, {
      ...request,
      reserve: reserveOf(config, request.machine, request.reserve),
      now,
      onStep: crashTest(process.env),
    }),
  );
}

/** `coldpatch generations prune`. @returns the numbers. */
export function pruneMachineGenerations(
  config: Config,
  request: MachineRequest & { readonly retention: Retention },
): Promise<readonly number[]> {
  return inMachine(config, request, (context) =>
    pruneGenerations(context, request.retention, { now, onStep: crashTest(process.env) }),
  );
}

/** `coldpatch generations export`. */
export function exportMachineGeneration(
  config: Config,
  request: MachineRequest & { readonly generation: number; readonly target: string },
): Promise<void> {
  return inMachine(config, request, async (context) => {
    const log = await readLog(context.host, context.key.publicKey);
    const found = await readGeneration(context, log, request.generation, { ...request, digests: true });
    await exportGeneration(context, found, resolve(request.target), request.signal);
  });
}

/** `coldpatch generations import`. @returns its number. */
export function importMachineGeneration(
  config: Config,
  request: MachineRequest & { readonly archive: string; readonly keys: readonly string[] },
): Promise<number> {
  return inMachine(config, request, async (context) => {
    const keys = await Promise.all(request.keys.map(readPublicKey));
    return importGeneration(context, {
      archive: resolveImagePath(request.archive).path,
      keys: [...keys, context.key.publicKey],
      now,
      onStep: crashTest(process.env),
      signal: request.signal,
    });
  });
}
