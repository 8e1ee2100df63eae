import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBytes } from '../../lib/byte-source.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { openFileSource } from '../../lib/file-source.ts';
import { compressionOf } from './compression-of.ts';
import { memorySource } from '../memory-source.ts';
import { decompress } from './decompress.ts';
import { openDecompressed, type ScratchOptions } from './open-decompressed.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-compressed-'));
const scratch = mkdtempSync(join(tmpdir(), 'coldpatch-scratch-test-'));
const path = (name: string): string => join(folder, name);
const sample = Buffer.alloc(5_000_123);

const programs = [
  ['gzip', 'gzip'],
  ['xz', 'xz'],
  ['zstd', 'zstd'],
  ['bzip2', 'bzip2'],
] as const;

function compress(program: string, bytes: Uint8Array, ...options: readonly string[]): Buffer {
  return execFileSync(program, ['-c', ...options], {
    input: bytes,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

beforeAll(() => {
  for (let at = 1_000_000, state = 7; at < 1_500_000; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    sample[at] = state >>> 16;
  }
  sample.write('the end', sample.length - 7);
  for (const [, program] of programs) writeFileSync(path(program), compress(program, sample));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(scratch, { recursive: true });
});

function unpacked(name: string, options: ScratchOptions = {}): Buffer {
  const file = openFileSource(path(name));
  const compression = compressionOf(file);
  file.close();
  if (compression === undefined) throw new Error(`${name} is not compressed`);
  const plain = openDecompressed(path(name), compression, { directory: scratch, ...options });
  try {
    return readBytes(plain, 0n, Number(plain.size));
  } finally {
    plain.close();
  }
}

test.each(programs)('%s is unpacked to what was compressed', (compression, program) => {
  const file = openFileSource(path(program));
  expect(compressionOf(file)).toBe(compression);
  file.close();
  expect(unpacked(program).equals(sample)).toBe(true);
});

test.each(programs)('%s: several parts one behind another are one', (_, program) => {
  const parts = [sample.subarray(0, 1_100_000), sample.subarray(1_100_000)];
  writeFileSync(path('parts'), Buffer.concat(parts.map((part) => compress(program, part))));
  expect(unpacked('parts').equals(sample)).toBe(true);
});

test.each(programs)('%s: what is cut off or damaged is an error', (_, program) => {
  const whole = readFileSync(path(program));
  for (const length of [20, whole.length - 2]) {
    writeFileSync(path('cut'), whole.subarray(0, length));
    expect(() => unpacked('cut'), String(length)).toThrow(ColdpatchError);
  }
  const damaged = Buffer.from(whole);
  damaged[whole.length >> 1] = (damaged[whole.length >> 1] as number) ^ 0x55;
  writeFileSync(path('damaged'), damaged);
  expect(() => unpacked('damaged')).toThrow(expect.objectContaining({ code: 'image_corrupt' }));
});

test.each(programs)('%s: a bomb ends at the limit', (_, program) => {
  writeFileSync(path('bomb'), compress(program, Buffer.alloc(12_000_000)));
  expect(() => unpacked('bomb', { limit: 10_000_000 })).toThrow(
    expect.objectContaining({ code: 'limit_exceeded' }),
  );
});

test('zeros stay holes, and the scratch file has no name', () => {
  const plain = openDecompressed(path('gzip'), 'gzip', { directory: scratch });
  const open = readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      const link = `/proc/self/fd/${number}`;
      return readlinkSync(link).startsWith(scratch) ? [statSync(link)] : [];
    } catch {
      return [];
    }
  });
  expect(readdirSync(scratch)).toEqual([]);
  expect(open).toHaveLength(1);
  expect(open[0]?.size).toBe(sample.length);
  expect((open[0]?.blocks ?? 0) * 512).toBeLessThan(1_000_000);
  plain.close();
});

test('a dictionary that is too large is refused before it is allocated', () => {
  writeFileSync(
    path('large'),
    compress('xz', Buffer.from('small'), '--lzma2=dict=1536MiB', '-M', '100%', '-T1'),
  );
  expect(() => unpacked('large')).toThrow(expect.objectContaining({ code: 'image_format_unsupported' }));
});

test('a directory that is not there is an error', () => {
  expect(() => unpacked('gzip', { directory: path('none') })).toThrow(
    expect.objectContaining({ code: 'file_unreadable', message: expect.stringContaining('--scratch') }),
  );
});

test('damage is an error or other bytes, and nothing else', async () => {
  const small = programs.map(([, program]) => compress(program, sample.subarray(990_000, 1_002_000)));
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.nat(), fc.nat(255), async (which, place, value) => {
      const bytes = Buffer.from(small[which] as Buffer);
      bytes[6 + (place % (bytes.length - 6))] = value;
      let size = 0;
      let steps = 0;
      try {
        for await (const piece of decompress(programs[which]?.[0] ?? 'gzip', memorySource(bytes), () => {
          steps += 1;
        })) {
          size += piece.length;
          if (size > 1_000_000) break;
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
      expect(steps).toBeLessThan(1000);
    }),
    { numRuns: 200 },
  );
});

test('nothing of all this has left a file', () => {
  expect(readdirSync(scratch)).toEqual([]);
});
