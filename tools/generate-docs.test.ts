import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorCatalogue } from '../src/lib/errors.ts';
import { errorsPage } from './errors-page.ts';
import { stalePages } from './generate-docs.ts';

const repository = join(import.meta.dirname, '..');
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'coldpatch-docs-'));
  for (const folder of ['docs', 'src'])
    cpSync(join(repository, folder), join(copy, folder), { recursive: true });
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

test('the generated pages in the repository are fresh', () => {
  expect(stalePages(repository)).toEqual([]);
});

test('an edited page is stale', () => {
  writeFileSync(join(copy, 'docs/errors.md'), `${errorsPage()}\nby hand\n`);
  expect(stalePages(copy).map(({ path }) => path)).toEqual(['docs/errors.md']);
});

test('a missing page is stale', () => {
  rmSync(join(copy, 'docs/errors.md'));
  expect(stalePages(copy).map(({ path }) => path)).toEqual(['docs/errors.md']);
});

test('the errors page has a row for every code', () => {
  const page = errorsPage();
  const codes = Object.keys(errorCatalogue);
  expect(codes.length).toBeGreaterThan(20);
  for (const code of codes) {
    expect(page).toContain(`| \`${code}\` |`);
  }
});
