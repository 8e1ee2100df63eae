import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { qcow2 } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-qcow2-'));
afterAll(() => rmSync(folder, { recursive: true }));

function path(name: string): string {
  return join(folder, name);
}

function qemuImg(...parameters: readonly string[]): void {
  execFileSync('qemu-img', parameters, { stdio: 'pipe' });
}

function write(name: string, ...commands: readonly string[]): void {
  const quiet = commands.flatMap((command) => ['-c', command]);
  execFileSync('qemu-io', ['-f', 'qcow2', ...quiet, path(name)], { stdio: 'pipe' });
}

function create(name: string, options: string, bytes: number, ...backing: readonly string[]): void {
  qemuImg('create', '-q', '-f', 'qcow2', '-o', options, ...backing, path(name), String(bytes));
}

function file(name: string): ByteSource {
  return memorySource(readFileSync(path(name)));
}

/** The disk as QEMU sees it. */
function asQemuReads(name: string): Buffer {
  qemuImg('convert', '-f', 'qcow2', '-O', 'raw', path(name), path(`${name}.raw`));
  return readFileSync(path(`${name}.raw`));
}

function expectSameDisk(disk: ByteSource, expected: Buffer): void {
  expect(disk.size).toBe(BigInt(expected.length));
  expect(readBytes(disk, 0n, expected.length).equals(expected)).toBe(true);
  for (let offset = 0; offset + 3000 < expected.length; offset += 99_991) {
    expect(
      readBytes(disk, BigInt(offset), 3000).equals(expected.subarray(offset, offset + 3000)),
      `bytes at ${offset}`,
    ).toBe(true);
  }
}

for (const compatibility of ['0.10', '1.1']) {
  for (const clusterSize of [512, 65_536, 2_097_152]) {
    test(`reads compat=${compatibility} with clusters of ${clusterSize} bytes as QEMU does`, () => {
      const name = `plain-${compatibility}-${clusterSize}`;
      create(name, `compat=${compatibility},cluster_size=${clusterSize}`, 5_000_192);
      write(
        name,
        'write -P 7 1M 70k',
        'write -P 9 3000k 512',
        'write -P 3 4999680 512',
        'write -P 5 100k 1k',
      );
      expectSameDisk(qcow2.open(file(name), undefined), asQemuReads(name));
    });
  }
}

for (const compression of ['zlib', 'zstd']) {
  test(`reads clusters compressed by ${compression}`, () => {
    const raw = Buffer.alloc(700_416);
    for (let at = 0; at < raw.length; at += 1) {
      raw[at] = at % 65_536 < 40_000 ? (at * at) >>> 7 : 0x41;
    }
    writeFileSync(path('source.raw'), raw);
    const name = `compressed-${compression}`;
    qemuImg(
      'convert',
      '-c',
      '-O',
      'qcow2',
      '-o',
      `compression_type=${compression}`,
      path('source.raw'),
      path(name),
    );
    expect(qcow2.readHeader(file(name)).properties['compressionType']).toBe(compression);
    expectSameDisk(qcow2.open(file(name), undefined), raw);
  });
}

test('shows the backing disk under unallocated clusters, zeros behind its end, and zero clusters', () => {
  create('base', 'cluster_size=4k', 1_048_576);
  write('base', 'write -P 1 0 1M');
  create('overlay', 'cluster_size=64k', 3_145_728, '-b', path('base'), '-F', 'qcow2');
  write('overlay', 'write -P 2 100k 10k', 'write -z 256k 128k', 'write -P 4 2M 4k');
  const header = qcow2.readHeader(file('overlay'));
  expect(header.backingFile).toBe(path('base'));
  expect(header.properties['backingFormat']).toBe('qcow2');
  const base = qcow2.open(file('base'), undefined);
  expectSameDisk(qcow2.open(file('overlay'), base), asQemuReads('overlay'));
});

test('names internal snapshots and reads the current state', () => {
  create('snapshots', 'cluster_size=64k', 1_048_576);
  write('snapshots', 'write -P 1 0 128k');
  qemuImg('snapshot', '-c', 'before', path('snapshots'));
  write('snapshots', 'write -P 2 0 64k');
  qemuImg('snapshot', '-c', 'after the second', path('snapshots'));
  expect(qcow2.readHeader(file('snapshots')).properties).toMatchObject({
    snapshots: 2,
    snapshotNames: 'before, after the second',
  });
  expectSameDisk(qcow2.open(file('snapshots'), undefined), asQemuReads('snapshots'));
});

for (const clusterSize of ['16k', '64k', '2M']) {
  test(`reads subclusters of clusters of ${clusterSize} as QEMU does`, () => {
    create('sub-base', 'cluster_size=64k', 5_000_192);
    write('sub-base', 'write -P 1 0 4800k');
    const name = `sub-${clusterSize}`;
    const options = `extended_l2=on,cluster_size=${clusterSize}`;
    create(name, options, 8_000_000, '-b', path('sub-base'), '-F', 'qcow2');
    write(
      name,
      'write -P 7 1M 70k',
      'write -P 9 3000k 512',
      'write -z 1060k 4k',
      'write -z 2M 300k',
      `write -c -P 8 4M ${clusterSize}`,
      'discard 3000k 64k',
      'write -P 5 7999488 512',
    );
    expect(qcow2.readHeader(file(name)).properties['extendedL2']).toBe(true);
    const base = qcow2.open(file('sub-base'), undefined);
    expectSameDisk(qcow2.open(file(name), base), asQemuReads(name));
  });
}

test('damage to subclusters is an error, or other bytes, and nothing else', () => {
  create('sub-small', 'extended_l2=on,cluster_size=16k', 1_048_576);
  write('sub-small', 'write -P 7 1k 20k', 'write -z 512k 4k');
  const image = readFileSync(path('sub-small'));
  const places = fc.oneof(fc.nat(120), fc.nat(image.length - 1));
  fc.assert(
    fc.property(fc.array(fc.tuple(places, fc.nat(255)), { minLength: 1, maxLength: 6 }), (flips) => {
      const copy = Buffer.from(image);
      for (const [at, value] of flips) copy[at] = value;
      try {
        qcow2.readHeader(memorySource(copy));
        const disk = qcow2.open(memorySource(copy), undefined);
        readBytes(disk, 0n, Number(disk.size < 100_000n ? disk.size : 100_000n));
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
    { numRuns: 200 },
  );
});

test('names how an image is encrypted', () => {
  for (const [method, name] of [
    [1, 'AES'],
    [2, 'LUKS'],
  ] as const) {
    const encrypted = changed(small(), (copy) => copy.writeUInt32BE(method, 32));
    expect(() => qcow2.readHeader(encrypted)).toThrow(
      expect.objectContaining({ code: 'image_encrypted', message: expect.stringContaining(name) }),
    );
  }
});

test('reads a huge disk without allocating for it', () => {
  create('huge', 'cluster_size=64k', 107_374_182_400);
  const disk = qcow2.open(file('huge'), undefined);
  expect(disk.size).toBe(107_374_182_400n);
  expect(readBytes(disk, disk.size - 4096n, 4096).every((byte) => byte === 0)).toBe(true);
});

function small(): Buffer {
  create('small', 'cluster_size=512', 65_536);
  write('small', 'write -P 7 1k 20k');
  return readFileSync(path('small'));
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): ByteSource {
  const copy = Buffer.from(bytes);
  change(copy);
  return memorySource(copy);
}

test('refuses what it does not read, each with its own code', () => {
  const image = small();
  const cases = [
    ['image_corrupt', 'the corrupt bit', (copy: Buffer) => copy.writeUInt8(2, 79)],
    ['external_data_file', 'an external data file', (copy: Buffer) => copy.writeUInt8(4, 79)],
    ['image_corrupt', 'subclusters in small clusters', (copy: Buffer) => copy.writeUInt8(16, 79)],
    ['image_format_unsupported', 'an unknown feature', (copy: Buffer) => copy.writeUInt8(64, 79)],
    ['image_encrypted', 'encryption', (copy: Buffer) => copy.writeUInt32BE(2, 32)],
    ['image_corrupt', 'absurd clusters', (copy: Buffer) => copy.writeUInt32BE(40, 20)],
    ['limit_exceeded', 'an absurd size', (copy: Buffer) => copy.writeBigUInt64BE(1n << 62n, 24)],
    ['image_corrupt', 'a short L1 table', (copy: Buffer) => copy.writeUInt32BE(1, 36)],
    ['image_truncated', 'an L1 table behind the end', (copy: Buffer) => copy.writeBigUInt64BE(1n << 40n, 40)],
  ] as const;
  for (const [code, what, change] of cases) {
    expect(() => qcow2.open(changed(image, change), undefined), what).toThrow(
      expect.objectContaining({ code }),
    );
  }
});

test('reads an image whose dirty bit is set, and says so', () => {
  const dirty = changed(small(), (copy) => copy.writeUInt8(1, 79));
  expect(qcow2.readHeader(dirty).properties['dirty']).toBe(true);
  expect(readBytes(qcow2.open(dirty, undefined), 1024n, 2)).toEqual(Buffer.from([7, 7]));
});

test('refuses a file that was cut off, wherever the cut is', () => {
  create('cut', 'cluster_size=64k', 2_097_152);
  write('cut', 'write -P 7 0 1M');
  const length = readFileSync(path('cut')).length;
  for (const missing of [1, 65_536, 500_000, length - 100]) {
    truncateSync(path('cut'), length - missing);
    expect(() => qcow2.open(file('cut'), undefined)).toThrow(
      expect.objectContaining({ code: 'image_truncated' }),
    );
    create('cut', 'cluster_size=64k', 2_097_152);
    write('cut', 'write -P 7 0 1M');
  }
});

test('never ends with a foreign error when bytes are damaged', () => {
  const image = small();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(fc.nat(120), fc.nat(image.length - 1)), fc.nat(255)), {
        minLength: 1,
        maxLength: 6,
      }),
      (flips) => {
        const copy = Buffer.from(image);
        for (const [at, value] of flips) {
          copy[at] = value;
        }
        try {
          const disk = qcow2.open(memorySource(copy), undefined);
          readBytes(disk, 0n, Number(disk.size < 100_000n ? disk.size : 100_000n));
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
      },
    ),
    { numRuns: 300 },
  );
});
