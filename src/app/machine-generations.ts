import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { bytesOfGeneration } from '../machines/machine-generations/bytes-of-generation.ts';
import { chooseExpired, type Retention } from '../machines/machine-generations/choose-expired.ts';
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
import {
  answerOf,
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
import { type TakenGeneration, takeGeneration } from '../machines/machine-generations/take-generation.ts';
import { withMachine } from '../machines/machine-generations/with-machine.ts';
import { crashTest } from './crash-test.ts';

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

/** `coldpatch generations take`. */
export function takeMachineGeneration(
  config: Config,
  request: MachineRequest & { readonly reason: string; readonly reserve: bigint },
): Promise<TakenGeneration> {
  return inMachine(config, request, (context) =>
    takeGeneration(context, { ...request, cause: 'request', now, onStep: crashTest(process.env) }),
  );
}

/** `coldpatch generations list`, and what it looks at closer: `verify`. */
export function listMachineGenerations(
  config: Config,
  request: MachineRequest & { readonly digests: boolean },
): Promise<readonly GenerationAnswer[]> {
  return inMachine(config, request, (context) => answersOf(context, request));
}

/** `coldpatch generations show`. */
export function showMachineGeneration(
  config: Config,
  request: MachineRequest & { readonly generation: number },
): Promise<MachineGeneration> {
  return inMachine(config, request, async (context) =>
    readGeneration(context, await readLog(context.host, context.key.publicKey), request.generation, {
      digests: false,
    }),
  );
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
    const generations = await answersOf(context, { ...request, digests: true });
    const log = await readLog(context.host, context.key.publicKey);
    const complete = generations.filter((one) => one.answer === 'complete');
    const present = await examinePresent(context, log, complete, request.signal);
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
    rollBackMachine(context, { ...request, now, onStep: crashTest(process.env) }),
  );
}

/** `coldpatch generations prune`. @returns the numbers. */
export function pruneMachineGenerations(
  config: Config,
  request: MachineRequest & { readonly retention: Retention },
): Promise<readonly number[]> {
  return inMachine(config, request, async (context) => {
    const answers = await answersOf(context, { ...request, digests: false });
    const complete = answers.filter((one) => one.answer === 'complete');
    const expired = chooseExpired(
      complete.map(({ number, manifest: { takenAt } }) => ({
        number,
        takenAt,
        bytes: bytesOfGeneration(context, number),
      })),
      request.retention,
      now(),
    );
    const log = await readLog(context.host, context.key.publicKey);
    for (const number of expired) {
      await deleteGeneration(context, log, number, { now, onStep: crashTest(process.env) });
    }
    return expired;
  });
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

async function answersOf(
  context: MachineContext,
  { digests, signal }: { readonly digests: boolean; readonly signal: AbortSignal },
): Promise<readonly GenerationAnswer[]> {
  const log = await readLog(context.host, context.key.publicKey);
  const answers: GenerationAnswer[] = [];
  for (const number of await numbersOf(context, log)) {
    answers.push(await answerOf(context, log, number, { digests, signal }));
  }
  return answers;
}
