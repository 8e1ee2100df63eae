import { expect, test } from 'vitest';
import { isErrorCode } from './errors.ts';

test('only what is in the catalogue is a code', () => {
  expect(['usage', 'toString', '__proto__', 'constructor', ''].map(isErrorCode)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
