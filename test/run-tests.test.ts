import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyRepository } from '../tools/fixtures/copy-repository.ts';
import { plant } from '../tools/fixtures/plant.ts';
import { runProgram } from '../tools/run-program.ts';

let copy: string;

beforeEach(() => {
  copy = copyRepository(join(import.meta.dirname, '..'));
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

describe('a run of the tests', () => {
  const runner = [
    "import { runTests } from './run-tests.ts';",
    "process.exitCode = (await runTests(process.cwd(), ['planted'])) ? 0 : 1;",
  ].join('\n');

  async function runPlanted(): Promise<{ readonly exitCode: number | undefined; readonly output: string }> {
    plant(copy, 'tools/run-planted.ts', runner);
    return runProgram(copy, 'tools/run-planted.ts');
  }

  test('closes with what really happened', async () => {
    plant(
      copy,
      'test/planted.test.ts',
      [
        "import { expect, test } from 'vitest';",
        "test('one', () => expect(1).toBe(1));",
        "test('two', () => expect(1).toBe(2));",
        "test.skip('three', () => expect(1).toBe(1));",
      ].join('\n'),
    );
    const { exitCode, output } = await runPlanted();
    expect(output.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed, 1 skipped');
    expect(exitCode).toBe(1);
  });

  test('is red when a file does not load', async () => {
    plant(copy, 'test/planted.test.ts', "throw new Error('planted');\n");
    const { exitCode, output } = await runPlanted();
    expect(output.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed');
    expect(exitCode).toBe(1);
  });

  test('is red when every test is skipped', async () => {
    plant(
      copy,
      'src/planted.test.ts',
      "import { test } from 'vitest';\ntest.skip('one', () => undefined);\n",
    );
    const { exitCode, output } = await runPlanted();
    expect(output.trimEnd().split('\n').at(-1)).toBe('0 passed, 0 failed, 1 skipped');
    expect(exitCode).toBe(1);
  });

  test('is red when a medium test leaves a file behind', async () => {
    plant(
      copy,
      'test/planted.test.ts',
      [
        "import { writeFileSync } from 'node:fs';",
        "import { tmpdir } from 'node:os';",
        "import { expect, test } from 'vitest';",
        "test('one', () => expect(writeFileSync(`${tmpdir()}/left`, '')).toBeUndefined());",
      ].join('\n'),
    );
    const { exitCode, output } = await runPlanted();
    expect(output).toMatch(/leave nothing on the host, found:\s+file \S+\/left/);
    expect(output.trimEnd().split('\n').at(-1)).toBe('1 passed, 1 failed');
    expect(exitCode).toBe(1);
  });
});
