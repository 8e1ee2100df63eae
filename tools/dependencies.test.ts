import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { systemPackages } from './system-packages.ts';

const root = join(import.meta.dirname, '..');
const dependencies = {
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
};
const manifest = z.object(dependencies).parse(readJson('package.json'));
const lock = z
  .object({ packages: z.object({ '': z.object(dependencies) }) })
  .parse(readJson('package-lock.json'));
const decision = readFileSync(join(root, 'docs/adr/0003-dependencies.md'), 'utf8');
const npmPackages = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
const debianPackages = Object.values(systemPackages).flatMap((packages) => packages.map(({ name }) => name));

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

describe.each([
  ['npm', npmPackages],
  ['Debian', debianPackages],
])('%s packages', (_kind, names) => {
  test.each(names)('the reason for %s is written down', (name) => {
    expect(decision).toMatch(new RegExp(`^\\| .*\`${name}\``, 'm'));
  });
});

test('every npm package is pinned, and the lock file agrees', () => {
  expect(lock.packages['']).toEqual(manifest);
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
});
