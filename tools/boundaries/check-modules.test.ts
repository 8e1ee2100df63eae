import { describe, expect, test } from 'vitest';
import { checkModules } from './check-modules.ts';

function violationsOf(sources: Readonly<Record<string, string>>): readonly string[] {
  return checkModules(new Map(Object.entries(sources))).violations;
}

const empty = 'export {};\n';

describe('rooms', () => {
  test.each([
    ['disk', 'lib'],
    ['guest', 'disk'],
    ['upgrades', 'guest'],
    ['patch', 'upgrades'],
    ['machines', 'disk'],
    ['cli', 'app'],
    ['app', 'patch'],
  ])('%s may import from %s', (from, to) => {
    const sources = { [`${from}/a.ts`]: `import '../${to}/b.ts';\n`, [`${to}/b.ts`]: empty };
    expect(violationsOf(sources)).toEqual([]);
  });

  test.each([
    ['lib', 'config'],
    ['disk', 'guest'],
    ['guest', 'upgrades'],
    ['patch', 'machines'],
    ['machines', 'guest'],
    ['sources', 'guest'],
    ['api', 'disk'],
    ['cli', 'disk'],
    ['cli', 'patch'],
    ['app', 'cli'],
  ])('%s must not import from %s', (from, to) => {
    const sources = { [`${from}/a.ts`]: `import '../${to}/b.ts';\n`, [`${to}/b.ts`]: empty };
    expect(violationsOf(sources)).toEqual([
      `src/${from}/a.ts: ${from} must not import values from ${to} (src/${to}/b.ts)`,
    ]);
  });

  test('cli may import types of guest, and none of disk', () => {
    const sources = {
      'cli/a.ts': "import type { B } from '../guest/b.ts';\nimport type { C } from '../disk/c.ts';\n",
      'guest/b.ts': empty,
      'disk/c.ts': empty,
    };
    expect(violationsOf(sources)).toEqual([
      'src/cli/a.ts: cli must not import types from disk (src/disk/c.ts)',
    ]);
  });

  test('a room that is not in the table is a violation', () => {
    const sources = { 'attic/a.ts': "import '../lib/b.ts';\n", 'lib/b.ts': empty };
    expect(violationsOf(sources)).toHaveLength(1);
  });

  test('only tests may leave src', () => {
    const text = "import '../../test/support/x.ts';\n";
    expect(violationsOf({ 'lib/a.test.ts': text })).toEqual([]);
    expect(violationsOf({ 'lib/a.ts': text })).toHaveLength(1);
  });
});

test('an import of nothing is a violation', () => {
  expect(violationsOf({ 'lib/a.ts': "import './b.ts';\n" })).toHaveLength(1);
});

test('a module that was not understood is a violation, and not counted as read', () => {
  const report = checkModules(new Map([['lib/a.ts', 'import(name);\n']]));
  expect(report.read).toBe(0);
  expect(report.violations).toHaveLength(1);
});

test('names the way of an import cycle', () => {
  const sources = {
    'lib/a.ts': "import './b.ts';\n",
    'lib/b.ts': "import './c.ts';\n",
    'lib/c.ts': "import './b.ts';\n",
  };
  expect(violationsOf(sources)).toEqual(['src/lib/b.ts: import cycle lib/b.ts -> lib/c.ts -> lib/b.ts']);
});

test('only its registry names an adapter', () => {
  const sources = {
    'disk/volumes/registry.ts': "import { lvm } from './lvm/index.ts';\n",
    'disk/volumes/lvm/index.ts': "import './reader.ts';\n",
    'disk/volumes/lvm/reader.ts': empty,
    'disk/open.ts': "import { lvm } from './volumes/lvm/index.ts';\n",
  };
  expect(violationsOf(sources)).toEqual([
    'src/disk/open.ts: names the adapter disk/volumes/lvm; ask disk/volumes/registry.ts for it by its id',
  ]);
});

test.each(['lib/readFile.ts', 'lib/Read.ts', 'lib/read_file.ts'])('%s is not in kebab-case', (path) => {
  expect(violationsOf({ [path]: empty })).toEqual([`${path}: the file name is not in kebab-case`]);
});
