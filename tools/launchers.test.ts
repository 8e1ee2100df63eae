import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const repository = join(import.meta.dirname, '..');
const withNode24 = `${dirname(process.execPath)}:/usr/bin:/bin`;
let root: string;

/** The launchers alone, with a main program that shows what it was given. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coldpatch-launchers-'));
  for (const path of [
    'bin/coldpatch',
    'tools/with-node',
    'tools/find-node.sh',
    'package.json',
    'package-lock.json',
  ]) {
    cpSync(join(repository, path), join(root, path));
  }
  mkdirSync(join(root, 'node_modules'));
  cpSync(join(root, 'package-lock.json'), join(root, 'node_modules/.installed-lock.json'));
  mkdirSync(join(root, 'src/cli'), { recursive: true });
  writeFileSync(
    join(root, 'src/cli/main.ts'),
    'console.log(JSON.stringify([process.argv.slice(2), process.env.NODE_COMPILE_CACHE]));\nprocess.exitCode = 4;\n',
  );
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function launch(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawnSync(program, args, { encoding: 'utf8', env });
}

test('bin/coldpatch passes arguments, the compile cache and the exit code', () => {
  const cache = join(root, 'cache');
  const result = launch(join(root, 'bin/coldpatch'), ['a b', '--c'], {
    PATH: withNode24,
    NODE_COMPILE_CACHE: cache,
  });
  expect(result.stderr).toBe('');
  expect(JSON.parse(result.stdout)).toEqual([['a b', '--c'], cache]);
  expect(result.status).toBe(4);
  expect(existsSync(cache)).toBe(true);
});

test('bin/coldpatch works through symbolic links', () => {
  const first = join(root, 'first');
  const second = join(root, 'second');
  symlinkSync(join(root, 'bin/coldpatch'), first);
  symlinkSync('first', second);
  const result = launch(second, ['x'], { PATH: withNode24, NODE_COMPILE_CACHE: join(root, 'cache') });
  expect(result.stdout).toContain('"x"');
  expect(result.status).toBe(4);
});

test('bin/coldpatch refuses, with the command that helps, without a fitting Node', () => {
  const folder = join(root, 'old');
  mkdirSync(folder);
  writeFileSync(join(folder, 'node'), '#!/bin/sh\necho v22.21.0\n', { mode: 0o755 });
  symlinkSync('/usr/bin/readlink', join(folder, 'readlink'));
  const result = launch(join(root, 'bin/coldpatch'), [], { PATH: folder });
  expect(result.stderr).toContain(`${root}/tools/with-node`);
  expect(result.status).toBe(3);
});

test('bin/coldpatch refuses without its packages', () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  const result = launch(join(root, 'bin/coldpatch'), [], { PATH: withNode24 });
  expect(result.stderr).toContain(`${root}/tools/with-node`);
  expect(result.status).toBe(3);
});

test('tools/with-node runs a script at once when everything is in place', () => {
  const result = launch(join(root, 'tools/with-node'), [join(root, 'src/cli/main.ts'), 'y'], {
    PATH: withNode24,
  });
  expect(result.stderr).toBe('');
  expect(result.stdout).toContain('"y"');
  expect(result.status).toBe(4);
});
