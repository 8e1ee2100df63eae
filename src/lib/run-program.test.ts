import { expect, test } from 'vitest';
import { runProgram } from './run-program.ts';

async function printed(command: string, maxOutputBytes: number) {
  const lines: string[] = [];
  const result = await runProgram({
    file: 'sh',
    args: ['-c', command],
    timeoutSeconds: 20,
    maxOutputBytes,
    onLine: (line) => lines.push(line),
  });
  return { ...result, lines };
}

test('lines come as they are printed, the last without its end too', async () => {
  const { lines, stdout } = await printed('printf "one\\ntwo"', 1000);
  expect(lines).toEqual(['one', 'two']);
  expect(stdout).toBe('one\ntwo');
});

test('what comes after the limit is no line, and the program ends as it would', async () => {
  const { exitCode, lines, stdout } = await printed('yes 123456789 | head -c 5000000; exit 7', 1000);
  expect(exitCode).toBe(7);
  expect(stdout).toHaveLength(1000);
  expect(lines.length).toBeGreaterThan(99);
  expect(lines.length).toBeLessThan(50_000);
});

test('the deadline holds also when a descendant outside of the group keeps the output open', async () => {
  const began = performance.now();
  const program = runProgram({ file: 'sh', args: ['-c', 'setsid sleep 20 & wait'], timeoutSeconds: 0.3 });
  await expect(program).rejects.toMatchObject({ code: 'host_tool_timeout' });
  expect(performance.now() - began).toBeLessThan(15_000);
});
