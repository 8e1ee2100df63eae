import { ColdpatchError } from '../lib/errors.ts';
import { type Frame, readFrames } from './machine/read-frames.ts';
import { type Machine, type MachineOptions, startMachine } from './machine/start-machine.ts';

export interface ApplianceOptions extends MachineOptions {
  /** Until its agent speaks. */
  readonly startSeconds: number;
}

/** A job of the job disk. */
export interface JobOptions {
  /** The file name of its script. */
  readonly name: string;
  readonly seconds: number;
  /** What it printed; from the inside, so not to be believed. */
  readonly onLine: (line: string) => void;
  /** What it said on descriptor 3; not to be believed either. */
  readonly onResult?: (words: string) => void;
}

/** A running appliance. */
export interface RunningAppliance {
  /** @returns the exit code that the job claims. @throws ColdpatchError `appliance_failed`, `appliance_timeout`. */
  run(job: JobOptions): Promise<number>;
}

const stopSeconds = 120;
/** By which prlimit says that there is no such program. */
const programNotFound = 127;

/**
 * Starts the appliance, lets `work` use it, and ends it: what its disks were told is in their files then.
 * When `work` throws, the machine is killed, and its disks are worth nothing.
 *
 * @throws ColdpatchError `appliance_failed` when it does not start, ends early, or breaks the protocol; `appliance_timeout`.
 */
export async function withAppliance<Result>(
  options: ApplianceOptions,
  work: (appliance: RunningAppliance) => Promise<Result>,
): Promise<Result> {
  const machine = await startMachine(options);
  try {
    machine.port.on('error', () => undefined);
    const frames = readFrames(machine.port);
    const first = await nextFrame(machine, frames, limitOf(options.signal, options.startSeconds));
    if (first.kind !== 'ready') throw unexpected(first);
    const result = await work({ run: (job) => runJob(machine, frames, job, options.signal) });
    // Nobody reads what it says from now on, and a full socket would keep the end of QEMU from us.
    machine.port.destroy();
    const { exitCode } = await machine.program.stop('SIGTERM', stopSeconds);
    if (exitCode === 0) return result;
    throw ended(machine, `QEMU did not close its disks cleanly, but ended with ${exitCode}`);
  } finally {
    machine.port.destroy();
    await machine.program.stop('SIGKILL');
  }
}

async function runJob(
  machine: Machine,
  frames: AsyncGenerator<Frame, undefined>,
  { name, seconds, onLine, onResult }: JobOptions,
  signal: AbortSignal,
): Promise<number> {
  const limit = limitOf(signal, seconds);
  machine.port.write(`run ${name}\n`);
  for (;;) {
    const frame = await nextFrame(machine, frames, limit);
    if (frame.kind === 'end') return frame.exitCode;
    if (frame.kind === 'ready') throw unexpected(frame);
    if (frame.kind === 'out') onLine(frame.text);
    else onResult?.(frame.text);
  }
}

interface Limit {
  readonly signal: AbortSignal;
  readonly timeout: AbortSignal;
  readonly seconds: number;
}

function limitOf(signal: AbortSignal, seconds: number): Limit {
  return { signal, seconds, timeout: AbortSignal.timeout(seconds * 1000) };
}

async function nextFrame(
  machine: Machine,
  frames: AsyncGenerator<Frame, undefined>,
  limit: Limit,
): Promise<Frame> {
  const either = AbortSignal.any([limit.signal, limit.timeout]);
  const over = new AbortController();
  try {
    const next = await Promise.race([frames.next(), aborted(either, over.signal)]);
    if (next !== 'aborted' && next.done !== true) return next.value;
    limit.signal.throwIfAborted();
    if (next === 'aborted') {
      throw new ColdpatchError(
        'appliance_timeout',
        `Expected the safe environment to be done within ${limit.seconds} s, but it was not, and was ended. ` +
          `The original is as it was.${lastWords(machine)}`,
      );
    }
    const end = await Promise.race([machine.program.exited, aborted(AbortSignal.timeout(5000), over.signal)]);
    if (end !== 'aborted' && end.exitCode === programNotFound) throw missing();
    throw ended(machine, 'it ended in the middle');
  } finally {
    over.abort();
  }
}

function aborted(signal: AbortSignal, over: AbortSignal): Promise<'aborted'> {
  if (signal.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve('aborted'), { once: true, signal: over });
  });
}

function unexpected(frame: Frame): ColdpatchError {
  return new ColdpatchError(
    'appliance_failed',
    `Expected the safe environment to keep to its protocol, but it said "${frame.kind}" out of turn. The original is as it was.`,
  );
}

function missing(): ColdpatchError {
  return new ColdpatchError(
    'host_tool_missing',
    'Expected the program qemu-system-x86_64 on this host, but it is not there. It is in the package qemu-system-x86.',
  );
}

function ended(machine: Machine, found: string): ColdpatchError {
  return new ColdpatchError(
    'appliance_failed',
    `Expected the safe environment to run until it is ended, but ${found}. The original is as it was.${lastWords(machine)}`,
  );
}

function lastWords({ program, console }: Machine): string {
  const words = [program.lastWords(), console()].map((text) => text.trim().split('\n').slice(-8).join('\n'));
  const found = words.filter((text) => text !== '');
  return found.length === 0 ? '' : ` Last words:\n${found.join('\n')}`;
}
