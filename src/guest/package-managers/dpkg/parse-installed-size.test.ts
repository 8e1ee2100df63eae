import { expect, test } from 'vitest';
import { parseInstalledSize } from './parse-installed-size.ts';

test.each([
  ['12', 12 * 1024],
  [undefined, undefined],
  ['', undefined],
  ['twelve', undefined],
  ['-1', undefined],
  ['1e9', undefined],
  ['9'.repeat(13), undefined],
])('%j is %j', (field, bytes) => expect(parseInstalledSize(field)).toBe(bytes));
