/** `coldpatch serve` and `coldpatch worker` as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';
import { expect } from 'vitest';
import { coldpatchProgram } from './command-line-fixture.ts';

export interface RunningProgram {
  /** The exit code, null after a signal; once it has ended. */
  readonly ended: Promise<number | null>;
  /** All that it wrote so far. */
  output(): string;
  /** Sends a signal and waits for the end. @returns the exit code, null after a signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Lets it stand still while something is asked; if that holds, it is killed, else it goes on. */
  killIf(isNow: () => boolean | Promise<boolean>): Promise<boolean>;
}

/** Starts `bin/coldpatch`, or that of another version, and waits until it writes a line that matches. */
export async function startColdpatch(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  ready: RegExp,
  program = coldpatchProgram,
): Promise<RunningProgram> {
  const child: ChildProcess = spawn(program, args, {
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
  const ended = (once(child, 'exit') as Promise<[number | null]>).then(([code]) => code);
  await expect
    .poll(() => ready.test(output) || (child.exitCode !== null && output), { timeout: 120_000 })
    .toBe(true);
  return {
    ended,
    output: () => output,
    end(signal) {
      child.kill(signal);
      return ended;
    },
    async killIf(isNow) {
      child.kill('SIGSTOP');
      const dies = await isNow();
      child.kill(dies ? 'SIGKILL' : 'SIGCONT');
      if (dies) await ended;
      return dies;
    },
  };
}

export interface RunningServer extends RunningProgram {
  /** The body of an answer with 200. */
  get<Body>(path: string): Promise<Body>;
  /** The items of a list. */
  list<Item>(path: string): Promise<readonly Item[]>;
  status(path: string): Promise<number>;
  /** Of an answer that may take its time. */
  text(path: string): Promise<string>;
  /** The status. */
  post(path: string, body?: unknown): Promise<number>;
  readonly token: string;
}

/** A server on a port of its own. The first start shows the token; later ones are given it. */
export async function startServe(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  knownToken = '',
  file = coldpatchProgram,
): Promise<RunningServer> {
  const listening = /^listening at (\S+)$/m;
  const own = ['serve', '--listen', '127.0.0.1:0', ...args];
  const program = await startColdpatch(own, environment, listening, file);
  const url = listening.exec(program.output())?.[1] ?? '';
  const token = /^coldpatch\.\S+$/m.exec(program.output())?.[0] ?? knownToken;
  const authorization = `Bearer ${token}`;
  const ask = (path: string): Promise<Response> => fetch(`${url}${path}`, { headers: { authorization } });
  const get = async <Body>(path: string): Promise<Body> => {
    const response = await ask(path);
    expect(response.status).toBe(200);
    return (await response.json()) as Body;
  };
  return {
    ...program,
    token,
    get,
    list: async <Item>(path: string) => (await get<{ readonly items: readonly Item[] }>(path)).items,
    status: async (path) => (await ask(path)).status,
    text: async (path) => (await ask(path)).text(),
    async post(path, body) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          authorization,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return response.status;
    },
  };
}
