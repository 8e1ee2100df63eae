import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const repository = join(import.meta.dirname, '..');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'with-node-'));
  for (const path of ['tools/with-node', 'tools/find-node.sh', 'package.json', 'package-lock.json']) {
    cpSync(join(repository, path), join(root, path));
  }
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

test('tools/with-node says so when the registry cannot be reached', () => {
  const result = spawnSync(join(root, 'tools/with-node'), ['-e', '0'], {
    encoding: 'utf8',
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
      HOME: root,
      npm_config_registry: 'http://127.0.0.1:9/',
    },
  });
  expect(result.stderr).toContain('the npm registry could not be reached');
  expect(result.status).toBe(1);
});
