import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { expect, test } from 'vitest';
import { collect, inParts } from './advisory-fixture.ts';
import { unpackFeed } from './unpack-feed.ts';

const text = 'what was packed comes back '.repeat(20_000);
const invalid = expect.objectContaining({ code: 'advisories_invalid' });

async function unpack(packed: Uint8Array, size?: number, most = 10_000_000): Promise<string> {
  const chunks = await collect(unpackFeed(inParts(packed, size), most));
  expect(Math.max(0, ...chunks.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  return Buffer.concat(chunks).toString();
}

const packers = {
  plain: (bytes: Uint8Array) => Promise.resolve(bytes),
  gzip: (bytes: Uint8Array) => Promise.resolve<Uint8Array>(gzipSync(bytes)),
  zstd: (bytes: Uint8Array) => Promise.resolve<Uint8Array>(zstdCompressSync(bytes)),
  xz: async (bytes: Uint8Array): Promise<Uint8Array> => xz.compress(bytes),
};

test.each(Object.entries(packers))('reads what is %s, wherever the parts end', async (_name, pack) => {
  const packed = await pack(Buffer.from(text));
  expect(await unpack(packed)).toBe(text);
  expect(await unpack(packed, 7)).toBe(text);
  expect(await unpack(await pack(Buffer.from('x')))).toBe('x');
});

test.each(Object.entries(packers).slice(1))('refuses %s that is cut off or damaged', async (_name, pack) => {
  const packed = Buffer.from(await pack(Buffer.from(text)));
  await expect(unpack(packed.subarray(0, packed.length - 5))).rejects.toThrow(invalid);
  packed.fill(0xa5, 20, 60);
  await expect(unpack(packed)).rejects.toThrow(invalid);
});

test.each(Object.entries(packers))('refuses more than the limit in %s', async (_name, pack) => {
  await expect(unpack(await pack(Buffer.from(text)), undefined, 100_000)).rejects.toThrow(invalid);
});

test.each([
  ['zip', 'PK\x03\x04 and more'],
  ['bzip2', 'BZh91AY'],
])('refuses %s by its name', async (name, start) => {
  await expect(unpack(Buffer.from(start, 'latin1'))).rejects.toThrow(new RegExp(name));
});

test('an empty file is empty', async () => {
  expect(await unpack(Buffer.alloc(0))).toBe('');
});

test('leaves its source when nobody reads on', async () => {
  let isLeft = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield await Promise.resolve(Buffer.alloc(1000));
    } finally {
      isLeft = true;
    }
  }
  for await (const chunk of unpackFeed(source(), 1_000_000)) {
    expect(chunk).toHaveLength(1000);
    break;
  }
  expect(isLeft).toBe(true);
});
