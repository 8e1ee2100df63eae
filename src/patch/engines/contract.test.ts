import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { engineOf, engines } from './registry.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

test('the registry has every folder, and nothing else', () => {
  expect(engines.map(({ id }) => id).toSorted()).toEqual(folders.toSorted());
});

test.each(engines)('$id says what it is, and what keeps guest code from the host', (engine) => {
  expect(engine.revision).toBeGreaterThanOrEqual(1);
  expect(engine.isolation).not.toBe('');
  expect(engineOf(engine.id)).toBe(engine);
  expect(existsSync(join(import.meta.dirname, engine.id, 'readme.md'))).toBe(true);
});

test('an engine that does not exist is wrong use', () => {
  expect(() => engineOf('teleport')).toThrow(expect.objectContaining({ code: 'usage' }));
});
