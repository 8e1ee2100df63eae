import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { startProgram } from './start-program.ts';

const sleeper = {
  file: 'sh',
  args: ['-c', 'echo up; exec sleep 1000'],
  ready: { line: (line: string) => line === 'up' },
  startTimeoutSeconds: 10,
} as const;

function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

test('waits for the line, then stops it', async () => {
  const program = await startProgram(sleeper);
  expect(isAlive(program.pid)).toBe(true);
  expect(await program.stop()).toEqual({ exitCode: -1, signal: 'SIGTERM' });
  expect(isAlive(program.pid)).toBe(false);
  expect(await program.stop()).toEqual(await program.exited);
});

test('asks until the answer is yes', async () => {
  let asked = 0;
  const program = await startProgram({ ...sleeper, ready: { poll: async () => ++asked === 3 } });
  expect(asked).toBe(3);
  await program.stop();
});

test('ends by force what does not end when asked', async () => {
  const program = await startProgram({
    ...sleeper,
    args: ['-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'],
  });
  expect(await program.stop('SIGTERM', 0.1)).toEqual({ exitCode: -1, signal: 'SIGKILL' });
});

test('reports one that ends too early, with its last words', async () => {
  const start = startProgram({ ...sleeper, args: ['-c', 'echo no luck >&2; exit 7'] });
  await expect(start).rejects.toMatchObject({
    code: 'host_tool_failed',
    end: { exitCode: 7 },
    lastWords: 'no luck',
  });
});

test('reports a program that is not there', async () => {
  await expect(startProgram({ ...sleeper, file: 'no-such-program' })).rejects.toMatchObject({
    code: 'host_tool_missing',
  });
});

test('ends one that is not ready in time', async () => {
  await expect(
    startProgram({ ...sleeper, ready: { line: () => false }, startTimeoutSeconds: 0.1 }),
  ).rejects.toMatchObject({ code: 'host_tool_timeout' });
});

test('ends one that is given up while it starts', async () => {
  const giveUp = new AbortController();
  const start = startProgram({ ...sleeper, ready: { line: () => false }, signal: giveUp.signal });
  giveUp.abort(new Error('given up'));
  await expect(start).rejects.toThrow('given up');
});

test('gives it a clean environment', async () => {
  const lines: string[] = [];
  const program = await startProgram({
    ...sleeper,
    file: 'sh',
    args: ['-c', 'env; echo up; exec sleep 1000'],
    environment: { ADDED: 'yes' },
    onLine: (line) => lines.push(line),
  });
  await program.stop();
  expect(lines).toEqual(expect.arrayContaining(['ADDED=yes', 'LC_ALL=C']));
  expect(lines.filter((line) => line.startsWith('NODE'))).toEqual([]);
});

test('does not outlive a process that is killed', async () => {
  const script = `
    import { startProgram } from ${JSON.stringify(new URL('./start-program.ts', import.meta.url).href)};
    const program = await startProgram({ file: 'sleep', args: ['1000'], ready: { poll: async () => true }, startTimeoutSeconds: 9 });
    console.log(program.pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid)).toBe(false);
});

test('a program gets descriptors from 3 on: ours, and sockets whose other ends we hold', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'start-'));
  const path = join(directory, 'file');
  writeFileSync(path, 'from a file\n');
  const descriptor = openSync(path, 'r');
  const program = await startProgram({
    file: 'sh',
    args: ['-c', 'cat <&3 >&4'],
    descriptors: [descriptor, 'socket'],
    before: ['env', '--'],
    ready: { poll: () => Promise.resolve(true) },
    startTimeoutSeconds: 10,
  });
  closeSync(descriptor);
  rmSync(directory, { recursive: true });
  expect(program.channels).toHaveLength(1);
  const [channel] = program.channels;
  let text = '';
  for await (const chunk of channel ?? []) text += String(chunk);
  expect(text).toBe('from a file\n');
  expect(await program.exited).toEqual({ exitCode: 0 });
});
