import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readNamedFile, readNamedJson } from './read-named-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'named-'));
const file = join(folder, 'a.json');
writeFileSync(file, '{"a":1}');
afterAll(() => rmSync(folder, { recursive: true }));

test('a named file is read', () => {
  expect(readNamedFile(file)).toBe('{"a":1}');
  expect(readNamedJson(file)).toEqual({ a: 1 });
});

test.each([
  [join(folder, 'none'), 'file_not_found'],
  [join(file, 'below'), 'file_not_found'],
  [folder, 'file_unreadable'],
])('%s is %s', (path, code) => {
  expect(() => readNamedJson(path)).toThrow(expect.objectContaining({ code }) as Error);
});

test('what is no JSON is named', () => {
  writeFileSync(join(folder, 'b.json'), '{');
  expect(() => readNamedJson(join(folder, 'b.json'))).toThrow('b.json');
});
