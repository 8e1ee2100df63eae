import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyRepository } from './fixtures/copy-repository.ts';
import { plant } from './fixtures/plant.ts';
import { smallTests, sourceGates } from './gates.ts';
import { runGate } from './run-gates.ts';

const repository = join(import.meta.dirname, '..');
const gates = [...sourceGates, smallTests];
const timeout = 180_000;
let copy: string;

beforeEach(() => {
  copy = copyRepository(repository);
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

async function run(name: string): Promise<{ readonly green: boolean; readonly output: string }> {
  const gate = gates.find((each) => each.name === name);
  if (gate === undefined) {
    throw new Error(`there is no gate ${name}`);
  }
  return runGate(copy, gate);
}

/** For each gate, violations of what it holds, and what its output must name. */
const violations: Readonly<
  Record<string, readonly (readonly [what: string, path: string, text: string, named: readonly string[]])[]>
> = {
  format: [['a missing space', 'src/lib/planted.ts', 'export const planted={};\n', ['planted.ts']]],
  boundaries: [
    [
      'an upward import',
      'src/lib/planted.ts',
      "import '../disk/types.ts';\n",
      ['src/lib/planted.ts: lib must not import'],
    ],
    ['a long file', 'src/lib/planted.ts', 'export {};\n'.repeat(401), ['planted.ts: 401 lines']],
    ['a name in camel case', 'tools/plantedFile.ts', 'export {};\n', ['plantedFile.ts: the file name']],
  ],
  docs: [['an edited page', 'docs/errors.md', 'by hand\n', ['docs/errors.md is stale']]],
  types: [
    ['a wrong type', 'src/lib/planted.ts', "export const planted: number = 'one';\n", ['src/lib/planted.ts']],
  ],
  lint: [
    [
      'what no person should have to look for',
      'src/lib/planted.ts',
      [
        'Promise.reject(new Error());',
        'export const first: any = 1;',
        'export const second = (a: number) => a == 1;',
        'const third = 3;',
        'export default 4;',
      ].join('\n'),
      ['no-floating-promises', 'no-explicit-any', 'eqeqeq', 'no-unused-vars', 'no-default-export'],
    ],
    [
      'a promise that a test does not await',
      'test/planted.ts',
      "Promise.reject('x');\n",
      ['no-floating-promises'],
    ],
  ],
  'dead code': [
    [
      'a file that nobody imports',
      'src/lib/planted.ts',
      'export const planted = 1;\n',
      ['src/lib/planted.ts'],
    ],
  ],
  'small tests': [
    [
      'a failing test',
      'src/lib/planted.test.ts',
      "import { expect, test } from 'vitest';\ntest('planted', () => expect(1).toBe(2));\n",
      ['src/lib/planted.test.ts'],
    ],
    ['a test file without a test', 'src/lib/planted.test.ts', 'export {};\n', ['src/lib/planted.test.ts']],
  ],
};

test('there is a violation for every gate', () => {
  expect(Object.keys(violations).toSorted()).toEqual(gates.map(({ name }) => name).toSorted());
});

describe.each(Object.entries(violations))('%s', (gate, cases) => {
  test.each(cases)('%s is red', { timeout }, async (_what, path, text, named) => {
    plant(copy, path, text);
    const { green, output } = await run(gate);
    for (const name of named) {
      expect(output).toContain(name);
    }
    expect(green).toBe(false);
  });
});

test('no test at all is red', { timeout }, async () => {
  expect((await run('small tests')).green).toBe(false);
});

test('sources that cannot be found are red', { timeout }, async () => {
  rmSync(join(copy, 'src'), { recursive: true });
  mkdirSync(join(copy, 'src'));
  const { green, output } = await run('boundaries');
  expect(output).toContain('read the imports of 0 modules');
  expect(green).toBe(false);
});
