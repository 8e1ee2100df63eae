import { expect, test } from 'vitest';
import { xxhash64 } from './xxhash64.ts';

test.each([
  ['', 0xef46db3751d8e999n],
  ['a', 0xd24ec4f1a98c6e5bn],
  ['abc', 0x44bc2cf5ad770999n],
  ['xxhash', 0x32dd38952c4bc720n],
  ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
])('%j has the sum that xxhsum prints', (text, sum) => {
  expect(xxhash64(Buffer.from(text))).toBe(sum);
});
