import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unzstd } from './unzstd.ts';

const parts = [randomBytes(300_000), Buffer.alloc(500_000, 'b'), Buffer.from('c'), randomBytes(70_000)];
const packed = Buffer.concat(parts.map((part) => zstdCompressSync(part)));

function* inPieces(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function unpack(pieces: Iterable<Buffer>): Promise<Buffer> {
  const unpacked: Uint8Array[] = [];
  for await (const piece of unzstd(pieces)) unpacked.push(piece);
  return Buffer.concat(unpacked);
}

test.each([1000, 65_536, packed.length])('all frames, in pieces of %i bytes', async (length) => {
  expect((await unpack(inPieces(packed, length))).equals(Buffer.concat(parts))).toBe(true);
});

test('nothing is nothing', async () => {
  expect(await unpack([])).toHaveLength(0);
  expect(await unpack([Buffer.alloc(0)])).toHaveLength(0);
});

test.each([
  ['ends too early', packed.subarray(0, -5)],
  ['ends in the header of its second frame', packed.subarray(0, zstdCompressSync(parts[0] ?? '').length + 3)],
  ['is followed by something else', Buffer.concat([packed, Buffer.from('something else')])],
])('what %s is an error', async (_, bytes) => {
  await expect(unpack(inPieces(bytes, 50_000))).rejects.toThrow(/end of file|frame/i);
});

test('an error of the source comes through, and a source that is left is closed', async () => {
  let isClosed = false;
  function* failing(): Generator<Buffer> {
    try {
      yield packed.subarray(0, 1000);
      throw new Error('the disk is gone');
    } finally {
      isClosed = true;
    }
  }
  await expect(unpack(failing())).rejects.toThrow('the disk is gone');
  function* endless(): Generator<Buffer> {
    isClosed = false;
    try {
      for (;;) yield zstdCompressSync(Buffer.alloc(10));
    } finally {
      isClosed = true;
    }
  }
  for await (const piece of unzstd(endless())) {
    expect(piece).toHaveLength(10);
    break;
  }
  expect(isClosed).toBe(true);
});
