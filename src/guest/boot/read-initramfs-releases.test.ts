import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cpioArchive } from '../fixtures/cpio-archive.ts';
import { readInitramfsReleases } from './read-initramfs-releases.ts';

const microcode = Buffer.concat([
  cpioArchive({ 'kernel/x86/microcode/x.bin': randomBytes(99) }),
  Buffer.alloc(300),
]);
const main = cpioArchive({
  'usr/lib/modules/6.1.0-50-amd64/modules.dep': 'x',
  'usr/lib/modules/6.1.0-50-amd64/kernel/fs/ext4.ko': randomBytes(100_000),
  'lib/modules/7.0': 'a file, not a directory',
  init: '#!/bin/sh',
});

test.each([
  ['plain', main],
  ['gzip', gzipSync(main)],
  ['zstd', zstdCompressSync(main)],
  ['xz', xz.compressSync(main)],
])('microcode and a %s archive', async (_name, archive) => {
  const { releases, gaps } = await readInitramfsReleases(Buffer.concat([microcode, archive]));
  expect([...releases]).toEqual(['6.1.0-50-amd64']);
  expect(gaps).toEqual([]);
});

test('several plain archives and two in one compressed stream', async () => {
  const first = cpioArchive({ './lib/modules/1.0/a.ko': 'x' });
  const second = cpioArchive({ 'lib/modules/2.0/a.ko': 'x' });
  const bytes = Buffer.concat([first, Buffer.alloc(4), second, gzipSync(Buffer.concat([main, first]))]);
  expect([...(await readInitramfsReleases(bytes)).releases].toSorted()).toEqual([
    '1.0',
    '2.0',
    '6.1.0-50-amd64',
  ]);
});

test('much padding between two archives is passed over in time', async () => {
  const bytes = Buffer.concat([main, Buffer.alloc(32 * 1024 * 1024), main]);
  const { releases, gaps } = await readInitramfsReleases(zstdCompressSync(bytes));
  expect([...releases]).toEqual(['6.1.0-50-amd64']);
  expect(gaps).toEqual([]);
});

test.each([
  ['lz4', Buffer.from([0x02, 0x21, 0x4c, 0x18, 1, 2, 3]), 'unsupported', /lz4/],
  ['unknown', Buffer.from('hello'), 'unsupported', /neither/],
  ['a cut archive', main.subarray(0, 5000), 'corrupt', /ends inside/],
  ['a cut stream', zstdCompressSync(main).subarray(0, 5000), 'corrupt', /./],
  ['a cut gzip stream', gzipSync(main).subarray(0, 5000), 'corrupt', /./],
  ['a cut xz stream', xz.compressSync(main).subarray(0, 5000), 'corrupt', /./],
  ['a bomb', zstdCompressSync(cpioArchive({ zeros: Buffer.alloc(3_000_000) })), 'limit', /at most 1000000/],
  [
    'an xz bomb',
    xz.compressSync(cpioArchive({ zeros: Buffer.alloc(3_000_000) })),
    'limit',
    /at most 1000000/,
  ],
])('%s is a gap', async (_name, bytes, reason, detail) => {
  const { gaps } = await readInitramfsReleases(bytes, { limit: 1_000_000 });
  expect(gaps).toMatchObject([{ where: 'initramfs', reason }]);
  expect(gaps[0]?.detail).toMatch(detail);
});

test('damage never ends in anything but a gap', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(main.length - 1), fc.nat(255), async (at, value) => {
      const damaged = Buffer.from(main.subarray(0, 1000));
      damaged[at % 1000] = value;
      await readInitramfsReleases(Buffer.concat([microcode, damaged]));
    }),
    { numRuns: 50 },
  );
});
