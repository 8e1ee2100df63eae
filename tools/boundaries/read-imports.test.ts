import { expect, test } from 'vitest';
import { readImports } from './read-imports.ts';

test('finds every form of import', () => {
  const source = [
    '/**',
    " * import { no } from './comment.ts';",
    ' */',
    "import fc from 'fast-check';",
    "import * as all from './all.ts';",
    "import './effect.ts';",
    'import {',
    '  type One,',
    '  two,',
    "} from './several.ts';",
    "import type { Three } from './three.ts';",
    "import { type Four, type Five } from './four.ts';",
    "export { six } from './six.ts';",
    "export * from './seven.ts';",
    "export type { Eight } from './eight.ts';",
    'export const local = 1; // import nothing',
    "const lazy = async () => import('./lazy.ts');",
    'const where = import.meta.dirname;',
  ].join('\n');
  expect(readImports(source)).toEqual([
    { specifier: 'fast-check', typeOnly: false },
    { specifier: './all.ts', typeOnly: false },
    { specifier: './effect.ts', typeOnly: false },
    { specifier: './several.ts', typeOnly: false },
    { specifier: './three.ts', typeOnly: true },
    { specifier: './four.ts', typeOnly: true },
    { specifier: './six.ts', typeOnly: false },
    { specifier: './seven.ts', typeOnly: false },
    { specifier: './eight.ts', typeOnly: true },
    { specifier: './lazy.ts', typeOnly: false },
  ]);
});

test.each([
  ['a computed name', 'const lazy = import(name);'],
  ['require', "const old = require('node:fs');"],
  ['createRequire', 'const load = createRequire(import.meta.url);'],
])('refuses what it cannot read: %s', (_what, source) => {
  expect(() => readImports(source)).toThrow('Expected to understand');
});
