import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import { expect, test } from 'vitest';
import { unpackKernel } from './unpack-kernel.ts';

/** An ELF with one program header, of notes. */
function kernelWith(notes: readonly Uint8Array[]): Buffer {
  const start = 120;
  const content = Buffer.concat(notes);
  const bytes = Buffer.alloc(start);
  bytes.write('\x7fELF', 'latin1');
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt32LE(4, 64);
  bytes.writeBigUInt64LE(BigInt(start), 64 + 8);
  bytes.writeBigUInt64LE(BigInt(content.length), 64 + 32);
  return Buffer.concat([bytes, content, Buffer.from('the rest of a kernel')]);
}

function note(name: string, type: number): Buffer {
  const bytes = Buffer.alloc(12 + Math.ceil((name.length + 1) / 4) * 4 + 8);
  bytes.writeUInt32LE(name.length + 1, 0);
  bytes.writeUInt32LE(5, 4);
  bytes.writeUInt32LE(type, 8);
  bytes.write(name, 12);
  return bytes;
}

function imageOf(packed: Uint8Array, version = 0x20f): Buffer {
  const setup = Buffer.alloc(3 * 512);
  setup.writeUInt8(2, 0x1f1);
  setup.write('HdrS', 0x202);
  setup.writeUInt16LE(version, 0x206);
  setup.writeUInt32LE(100, 0x248);
  setup.writeUInt32LE(packed.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(100), packed, Buffer.from('behind it')]);
}

function withSize(packed: Uint8Array, size: number): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(size);
  return Buffer.concat([packed, end]);
}

/** Two blocks of the legacy frame, of literals only. */
function lz4(bytes: Uint8Array): Buffer {
  const blockOf = (part: Uint8Array): Buffer => {
    const block = Buffer.concat([Buffer.from([0xf0, part.length - 15]), part]);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(block.length);
    return Buffer.concat([length, block]);
  };
  return Buffer.concat([
    Buffer.from([0x02, 0x21, 0x4c, 0x18]),
    blockOf(bytes.subarray(0, 100)),
    blockOf(bytes.subarray(100)),
  ]);
}

const kernel = kernelWith([note('GNU', 18), note('Xen', 7), note('Xen', 18)]);

test.each([
  ['gzip', async () => gzipSync(kernel)],
  ['zstd', async () => withSize(zstdCompressSync(kernel), kernel.length)],
  ['xz', async () => withSize(await xz.compress(kernel), kernel.length)],
  ['lz4', async () => withSize(lz4(kernel), kernel.length)],
])('a kernel packed by %s', async (_, pack) => {
  expect(Buffer.from((await unpackKernel(imageOf(await pack()))) ?? [])).toEqual(kernel);
});

test.each([
  ['packed in another way', imageOf(withSize(Buffer.from('LZO and more'), 100))],
  ['without an entry for PVH', imageOf(gzipSync(kernelWith([note('Xen', 7), note('GNU', 18)])))],
  ['that is no ELF', imageOf(gzipSync(Buffer.from('something else')))],
  ['of an old protocol', imageOf(gzipSync(kernel), 0x207)],
])('a kernel %s stays packed', async (_, image) => {
  expect(await unpackKernel(image)).toBeUndefined();
});

test.each([
  ['of another size', imageOf(withSize(lz4(kernel), kernel.length + 1))],
  ['that is huge', imageOf(withSize(lz4(kernel), 0xffffffff))],
  ['that is damaged', imageOf(gzipSync(kernel).fill(0xff, 20, 30))],
  ['that is cut off', imageOf(gzipSync(kernel)).subarray(0, 1700)],
])('a kernel %s is refused', async (_, image) => {
  await expect(unpackKernel(image)).rejects.toMatchObject({ code: 'appliance_failed' });
});
