import { type ChildProcess, spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

export const coldpatchProgram = join(import.meta.dirname, '../../bin/coldpatch');

export interface CommandResult {
  /** -1 when a signal ended it. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The user that it runs as, without any group but the one of the same number; this process must be root. */
  readonly user?: number;
  /** Called with the whole of standard error whenever it grows. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
}

/** Runs `bin/coldpatch` as an operator does, under the Node that runs the tests. */
export function runColdpatch({
  args,
  environment = {},
  user,
  onStderr,
}: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const asUser =
      user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];
    const [file = '', ...rest] = [...asUser, coldpatchProgram, ...args];
    const child = spawn(file, rest, {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onStderr?.(stderr, child);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ exitCode: code ?? -1, signal, stdout, stderr }));
  });
}
