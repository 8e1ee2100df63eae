import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBytes } from '../lib/byte-source.ts';
import { cachedSource } from './cached-source.ts';
import { memorySource } from './memory-source.ts';

const content = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) & 0xff));

test('answers as its source does, at every offset', () => {
  const cached = cachedSource(memorySource(content), { chunkBytes: 64, maxBytes: 256 });
  fc.assert(
    fc.property(fc.nat(999), fc.nat(200), (offset, length) => {
      const fits = Math.min(length, content.length - offset);
      return readBytes(cached, BigInt(offset), fits).equals(content.subarray(offset, offset + fits));
    }),
  );
});

test('reads its source once a chunk', () => {
  let reads = 0;
  const inner = memorySource(content);
  const counting = {
    size: inner.size,
    read(offset: bigint, into: Uint8Array) {
      reads += 1;
      inner.read(offset, into);
    },
  };
  const cached = cachedSource(counting, { chunkBytes: 64, maxBytes: 256 });
  for (let offset = 0n; offset < 64n; offset += 8n) {
    readBytes(cached, offset, 8);
  }
  expect(reads).toBe(1);
});
