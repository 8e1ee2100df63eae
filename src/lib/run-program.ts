import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ColdpatchError } from './errors.ts';

export interface ProgramOptions {
  /** Name on PATH, or an absolute path. Never a shell line. */
  readonly file: string;
  readonly args: readonly string[];
  readonly input?: Uint8Array | string;
  /** Added to the clean environment, which holds PATH, HOME and LC_ALL=C only. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly timeoutSeconds: number;
  /** A descriptor of ours that gets the standard output; `stdout` is empty then. */
  readonly output?: number;
  /** Of each of the two streams; what comes after is dropped. Default 1 MiB. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
  /** Called for each line of standard output and standard error as it comes, until `maxOutputBytes` came. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment that every program of the host gets: nothing of the caller's but what it needs. */
export function cleanEnvironment(added: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: programPath, HOME: '/nonexistent', LC_ALL: 'C', ...added };
}

/**
 * Runs one program of the host in a process group of its own, and ends the whole group at the deadline or on abort.
 * A non-zero exit is a result, not an error.
 *
 * @throws ColdpatchError `host_tool_missing` when there is no such program, `host_tool_timeout` at the deadline.
 */
export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  options.signal?.throwIfAborted();
  const child = spawn(options.file, options.args, {
    cwd: options.workingDirectory,
    env: cleanEnvironment(options.environment),
    detached: true,
    stdio: ['pipe', options.output ?? 'pipe', 'pipe'],
  });
  const endGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    // A descendant that left the group may keep them open for ever.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    endGroup();
  }, options.timeoutSeconds * 1000);
  options.signal?.addEventListener('abort', endGroup, { once: true });

  const limit = options.maxOutputBytes ?? 1024 * 1024;
  const collect = (stream: NodeJS.ReadableStream | null): (() => string) => {
    if (stream === null) return () => '';
    const chunks: Buffer[] = [];
    let kept = 0;
    const lines = options.onLine && createInterface({ input: stream }).on('line', options.onLine);
    stream.on('data', (chunk: Buffer) => {
      if (kept < limit) chunks.push(chunk.subarray(0, limit - kept));
      kept += chunk.length;
      if (kept < limit || kept - chunk.length >= limit) return;
      lines?.close();
      // To close it stops the stream, and the program would wait for ever.
      stream.resume();
    });
    return () => Buffer.concat(chunks).toString('utf8');
  };
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A program that ends before it read its input is judged by its exit code.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);

  try {
    const { code, signal } = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(
      (resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => resolve({ code, signal }));
      },
    );
    options.signal?.throwIfAborted();
    if (timedOut) {
      throw new ColdpatchError(
        'host_tool_timeout',
        `Expected ${options.file} to end within ${options.timeoutSeconds} s, but it did not, and was ended.`,
      );
    }
    return { exitCode: code ?? -1, ...(signal ? { signal } : {}), stdout: stdout(), stderr: stderr() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ColdpatchError(
        'host_tool_missing',
        `Expected the program ${options.file} on this host, but it is not there. Run "coldpatch doctor" to see which package brings it.`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    clearTimeout(deadline);
    options.signal?.removeEventListener('abort', endGroup);
  }
}

/** Like `runProgram`, for programs that must succeed: any exit code but 0 throws `host_tool_failed` with its last words. */
export async function runProgramOrFail(options: ProgramOptions): Promise<ProgramResult> {
  const result = await runProgram(options);
  if (result.exitCode === 0) return result;
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-5).join('\n');
  throw new ColdpatchError(
    'host_tool_failed',
    `Expected ${options.file} to succeed, but it ended with ${result.signal ?? `exit code ${result.exitCode}`}: ${words}`,
  );
}
