import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ColdpatchError } from './errors.ts';
import { hasErrorCode } from './has-error-code.ts';
import { cleanEnvironment } from './run-program.ts';

/** By what a program shows that it is ready: a line of its output, or something that is asked for again and again. */
export type ReadyWhen =
  | { readonly line: (line: string) => boolean }
  | { readonly poll: () => Promise<boolean> };

export interface StartOptions {
  /** Name on PATH, or an absolute path. Never a shell line. */
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the clean environment, which holds PATH, HOME and LC_ALL=C only. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /**
   * What the program gets as descriptors 3 and on: one of ours, or a new socket whose other end is in `channels`.
   * A socket of ours that is given away is destroyed by the caller as soon as this function was called.
   */
  readonly descriptors?: readonly (number | 'socket' | Socket)[];
  /** A program that does something and then becomes the rest of its arguments, such as unshare. */
  readonly before?: readonly string[];
  /** User and group that the program runs as, without any other group; needs root. */
  readonly user?: { readonly id: number; readonly groups: readonly number[] };
  readonly ready: ReadyWhen;
  readonly startTimeoutSeconds: number;
  /** Ends a program that is still starting; later, only `stop` ends it. */
  readonly signal?: AbortSignal;
  /** Called for each line of standard output and standard error as it comes. */
  readonly onLine?: (line: string) => void;
}

/** How a program ended. */
export interface ProgramEnd {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
}

/** A program that runs until it is stopped, until it ends by itself, or until this process ends, however that happens. */
export interface StartedProgram {
  readonly pid: number;
  /** Settles when the program has ended, for whatever reason; never rejects. */
  readonly exited: Promise<ProgramEnd>;
  /** Our ends of the sockets among `descriptors`, in their order. */
  readonly channels: readonly Duplex[];
  /** Sends `signal` (SIGTERM) to its process group, waits, and sends SIGKILL after `graceSeconds` (5). */
  stop(signal?: NodeJS.Signals, graceSeconds?: number): Promise<ProgramEnd>;
  /** The end of its standard error and, if that is empty, of its standard output: at most 4 KiB. */
  lastWords(): string;
}

/** A program ended before it was ready. */
export class EarlyEndError extends ColdpatchError {
  readonly end: ProgramEnd;
  readonly lastWords: string;

  constructor(file: string, end: ProgramEnd, lastWords: string) {
    const missing = end.exitCode === programNotFound;
    super(
      missing ? 'host_tool_missing' : 'host_tool_failed',
      missing
        ? `Expected the program ${file} on this host, but it is not there. Run "coldpatch doctor" to see which package brings it.`
        : `Expected ${file} to keep running, but it ended with ${end.signal ?? `exit code ${end.exitCode}`}: ${lastWords}`,
    );
    this.end = end;
    this.lastWords = lastWords;
  }
}

/** By which a shell says that there is no such program: POSIX, Shell Command Language, 2.8.2. */
const programNotFound = 127;
const wordsKept = 4096;
const pollMilliseconds = 20;

/**
 * The kernel sends the signal only when our end comes after setpriv asked for it.
 * If we ended before, the parent is by now another process, and the program is not started at all.
 */
const unlessOrphaned = '[ "$PPID" = "$1" ] || exit 0; shift; exec "$@"';

/**
 * Starts a program that lives until it is stopped, in a process group of its own, and waits until it is ready.
 * It dies with the thread that called this, even on SIGKILL. Its standard input stays open and empty all the while.
 *
 * @throws EarlyEndError when it ends before it is ready (`host_tool_missing` when there is no such program).
 * @throws ColdpatchError `host_tool_timeout` when it is not ready in time, `host_tool_missing` without setpriv.
 */
export async function startProgram(options: StartOptions): Promise<StartedProgram> {
  options.signal?.throwIfAborted();
  const orphanGuard = ['sh', '-c', unlessOrphaned, 'sh', String(process.pid)];
  const [file = '', ...args] = [
    ...(options.before ?? []),
    'setpriv',
    ...userArguments(options.user),
    '--pdeathsig',
    'KILL',
    '--',
    ...orphanGuard,
    options.file,
    ...options.args,
  ];
  const child: ChildProcess = spawn(file, args, {
    cwd: options.workingDirectory,
    env: cleanEnvironment(options.environment),
    detached: true,
    stdio: [
      'pipe',
      'pipe',
      'pipe',
      ...(options.descriptors ?? []).map((one) => (one === 'socket' ? 'pipe' : one)),
    ],
  });
  child.stdin?.on('error', () => undefined);
  const program = await follow(child, options);
  try {
    await untilReady(child, program, options);
    return program;
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
}

function userArguments(user: StartOptions['user']): readonly string[] {
  if (!user) return [];
  const groups = user.groups.length > 0 ? [`--groups=${user.groups.join(',')}`] : ['--clear-groups'];
  return [`--reuid=${user.id}`, `--regid=${user.id}`, ...groups, '--no-new-privs'];
}

async function follow(child: ChildProcess, options: StartOptions): Promise<StartedProgram> {
  let closed = false;
  const exited = new Promise<ProgramEnd>((resolve) => {
    child.on('close', (code, signal) => {
      closed = true;
      resolve({ exitCode: code ?? -1, ...(signal ? { signal } : {}) });
    });
  });
  const output = tailOf(child.stdout);
  const errors = tailOf(child.stderr);
  onLines(child, options.onLine);
  const pid = await startedPid(child);
  const endGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if (!hasErrorCode(error, 'ESRCH')) throw error;
    }
  };
  return {
    pid,
    exited,
    channels: child.stdio.slice(3).filter((stream) => stream instanceof Duplex),
    async stop(signal = 'SIGTERM', graceSeconds = 5) {
      if (closed) return exited;
      endGroup(signal);
      const patience = setTimeout(() => endGroup('SIGKILL'), graceSeconds * 1000);
      const end = await exited;
      clearTimeout(patience);
      return end;
    },
    lastWords: () => errors().trim() || output().trim(),
  };
}

async function startedPid(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause = await new Promise<unknown>((resolve) => {
    child.on('error', resolve);
  });
  throw new ColdpatchError(
    'host_tool_missing',
    'Expected the program setpriv on this host, but it could not be started. It is in the package util-linux.',
    { cause },
  );
}

async function untilReady(
  child: ChildProcess,
  program: StartedProgram,
  { file, ready, startTimeoutSeconds, signal }: StartOptions,
): Promise<void> {
  const over = new AbortController();
  const timeout = AbortSignal.timeout(startTimeoutSeconds * 1000);
  const given = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    await Promise.race([
      'line' in ready ? lineComes(child, ready.line) : pollSucceeds(ready.poll, over.signal),
      program.exited.then((end) => {
        throw new EarlyEndError(file, end, program.lastWords());
      }),
      aborted(given, over.signal),
    ]);
  } catch (error) {
    signal?.throwIfAborted();
    if (!timeout.aborted || error instanceof ColdpatchError) throw error;
    throw new ColdpatchError(
      'host_tool_timeout',
      `Expected ${file} to be ready within ${startTimeoutSeconds} s, but it was not, and was ended. ` +
        `Its last words: ${program.lastWords() || 'none'}`,
      { cause: error },
    );
  } finally {
    over.abort();
  }
}

async function lineComes(child: ChildProcess, isReady: (line: string) => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    onLines(child, (line) => {
      try {
        if (isReady(line)) resolve();
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function pollSucceeds(poll: () => Promise<boolean>, over: AbortSignal): Promise<void> {
  while (!over.aborted && !(await poll())) await delay(pollMilliseconds);
}

async function aborted(signal: AbortSignal, over: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: over });
  });
}

function onLines(child: ChildProcess, listener: ((line: string) => void) | undefined): void {
  if (!listener) return;
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', listener);
  }
}

function tailOf(stream: NodeJS.ReadableStream | null): () => string {
  let kept = Buffer.alloc(0);
  stream?.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-wordsKept);
  });
  return () => kept.toString('utf8');
}
