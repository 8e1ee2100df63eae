import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { fat } from './index.ts';
import { contentOf, expectSameTree, makeTestTree, noise, readDamaged } from '../../fixtures/test-tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-fat-'));
const tree = join(folder, 'tree');
const utf8 = { env: { ...process.env, LC_ALL: 'C.UTF-8', MTOOLS_SKIP_CHECK: '1', TZ: 'UTC' } } as const;

beforeAll(() => {
  mkdirSync(tree);
  makeTestTree(tree, { many: 150, largest: 300_001 });
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, parameters: readonly string[]): string {
  return execFileSync(program, parameters, { stdio: 'pipe', ...utf8 }).toString();
}

function make(name: string, megabytes: number, parameters: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, megabytes * 1024 * 1024);
  run('mkfs.fat', ['-i', 'ABCD1234', '-n', 'COLDPATCH', ...parameters, path]);
  return path;
}

function fill(path: string): void {
  run('mcopy', ['-s', '-i', path, ...readdirSync(tree).map((name) => join(tree, name)), '::']);
}

function open(bytes: Uint8Array): Filesystem {
  const source = memorySource(bytes);
  expect(fat.detect(source)).toEqual({ answer: 'yes' });
  return (fat.open as NonNullable<typeof fat.open>)(source);
}

function inodeOf(filesystem: Filesystem, name: string): number {
  return filesystem.readDirectory(filesystem.rootInode).find((entry) => entry.name === name)?.inode ?? -1;
}

const layouts: readonly (readonly [string, number, string, readonly string[]])[] = [
  ['FAT12', 4, 'FAT12', ['-F', '12']],
  ['FAT16', 16, 'FAT16', ['-F', '16']],
  ['FAT32', 40, 'FAT32', ['-F', '32', '-s', '1']],
  ['sectors of 4 KiB', 40, 'FAT12', ['-S', '4096']],
];

for (const [name, megabytes, type, parameters] of layouts) {
  test(`${name}: every byte that mcopy wrote and reads back`, () => {
    const path = make(name, megabytes, parameters);
    fill(path);
    const filesystem = open(readFileSync(path));
    expectSameTree(filesystem, filesystem.rootInode, tree);
    const back = join(folder, `${name}-back`);
    mkdirSync(back);
    run('mcopy', ['-s', '-i', path, '::*', back]);
    expectSameTree(filesystem, filesystem.rootInode, back);
    const { uuid, label, properties } = fat.describe(memorySource(readFileSync(path)));
    expect({ uuid, label, type: properties['type'], clean: properties['clean'] }).toEqual({
      uuid: 'ABCD-1234',
      label: 'COLDPATCH',
      type,
      clean: true,
    });
    expect(run('blkid', ['-p', '-o', 'value', '-s', 'UUID', path]).trim()).toBe(filesystem.uuid);
    const listed = /([\d ]+) bytes free/.exec(run('mdir', ['-i', path, '::']))?.[1] ?? '';
    expect(filesystem.freeBytes).toBe(BigInt(listed.replaceAll(' ', '')));
  });
}

test('a file in many pieces between removed ones', () => {
  const path = make('pieces', 16, ['-F', '16', '-s', '1']);
  const part = join(folder, 'part');
  for (let index = 0; index < 60; index += 1) {
    writeFileSync(part, noise(500, index));
    run('mcopy', ['-i', path, part, `::part-${index}`]);
  }
  for (let index = 0; index < 60; index += 2) {
    run('mdel', ['-i', path, `::part-${index}`]);
  }
  writeFileSync(part, noise(15_900_000 / 2));
  run('mcopy', ['-i', path, part, '::pieces']);
  const filesystem = open(readFileSync(path));
  expect(contentOf(filesystem, inodeOf(filesystem, 'pieces')).equals(readFileSync(part))).toBe(true);
  expect(filesystem.readDirectory(filesystem.rootInode)).toHaveLength(31);
}, 30_000);

test('a volume that is still mounted, or was not unmounted, is not clean', () => {
  const wide = readFileSync(make('dirty-32', 40, ['-F', '32', '-s', '1']));
  expect(open(wide).clean).toBe(true);
  const start = wide.readUInt16LE(0x0e) * 512;
  const cleared = Buffer.from(wide);
  cleared.writeUInt32LE(0x07ff_ffff, start + 4);
  expect(open(cleared).clean).toBe(false);
  const marked = Buffer.from(wide);
  marked.writeUInt8(1, 0x41);
  expect(open(marked).clean).toBe(false);
});

test('a changed file has another fingerprint, though its entry is the same', () => {
  const path = make('changed', 4, ['-F', '12']);
  const file = join(folder, 'changing');
  writeFileSync(file, 'before');
  run('mcopy', ['-i', path, file, '::changing']);
  const bytes = readFileSync(path);
  const changed = Buffer.from(bytes);
  changed.write('behind', bytes.indexOf('before'));
  const inode = inodeOf(open(bytes), 'changing');
  expect(open(bytes).fingerprint(inode)).toEqual(open(Buffer.from(bytes)).fingerprint(inode));
  expect(open(bytes).fingerprint(inode)).not.toEqual(open(changed).fingerprint(inode));
});

test('times, read-only files and stable numbers', () => {
  const path = make('times', 4, ['-F', '12']);
  const file = join(folder, 'file');
  writeFileSync(file, 'x');
  run('touch', ['-d', '2020-02-03T04:05:06Z', file]);
  run('mcopy', ['-m', '-i', path, file, '::File.txt']);
  run('mattrib', ['+r', '-i', path, '::File.txt']);
  const filesystem = open(readFileSync(path));
  const inode = inodeOf(filesystem, 'File.txt');
  expect(filesystem.status(inode)).toMatchObject({ mode: 0o555, size: 1n, type: 'file' });
  expect(filesystem.status(inode).modifiedAt).toBe(BigInt(Date.UTC(2020, 1, 3, 4, 5, 6)) * 1_000_000n);
  expect(inodeOf(open(readFileSync(path)), 'File.txt')).toBe(inode);
});

test('chains that loop, end too early or leave the volume are corrupt', () => {
  const path = make('loops', 16, ['-F', '16', '-s', '1']);
  fill(path);
  const bytes = readFileSync(path);
  const filesystem = open(bytes);
  const entryAt = inodeOf(filesystem, 'large.bin') * 32;
  const first = bytes.readUInt16LE(entryAt + 0x1a);
  const table = bytes.readUInt16LE(0x0e) * 512;
  for (const value of [first, first + 3, 0, 1, 0xfff0, 0xffff]) {
    const broken = Buffer.from(bytes);
    broken.writeUInt16LE(value, table + (first + 9) * 2);
    const damaged = open(broken);
    expect(() => contentOf(damaged, entryAt / 32)).toThrow(
      expect.objectContaining({ code: 'filesystem_corrupt' }),
    );
  }
});

test('directories that contain themselves or each other are corrupt', () => {
  const path = make('cycles', 4, ['-F', '12']);
  run('mmd', ['-i', path, '::one', '::one/two']);
  const bytes = readFileSync(path);
  const filesystem = open(bytes);
  const one = inodeOf(filesystem, 'one');
  const two = filesystem.readDirectory(one)[0]?.inode ?? 0;
  bytes.copy(bytes, two * 32 + 0x1a, one * 32 + 0x1a, one * 32 + 0x1c);
  const damaged = open(bytes);
  damaged.readDirectory(one);
  expect(() => damaged.readDirectory(two)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('what is not FAT is not taken for it', () => {
  const boot = Buffer.alloc(4096);
  boot.writeUInt16LE(0xaa55, 510);
  expect(fat.detect(memorySource(boot))).toEqual({ answer: 'no' });
});

for (const width of ['12', '16', '32']) {
  test(`damaged bytes of FAT${width} are refused, not crashed on`, () => {
    const path = make(`fuzz-${width}`, width === '32' ? 34 : 5, [
      '-F',
      width,
      '-s',
      width === '12' ? '4' : '1',
    ]);
    fill(path);
    const bytes = readFileSync(path);
    const layout = bytes.readUInt16LE(0x0e) * 512;
    const near = fc.oneof(fc.nat(511), fc.nat({ max: layout + 800_000 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(near, fc.nat(255)), { minLength: 1, maxLength: 12 }), (changes) => {
        const before = changes.map(([at]) => [at, bytes[at] as number] as const);
        for (const [at, value] of changes) {
          bytes[at] = value;
        }
        try {
          readDamaged(fat, bytes);
        } finally {
          for (const [at, value] of before.toReversed()) {
            bytes[at] = value;
          }
        }
      }),
      { numRuns: 120 },
    );
  }, 20_000);
}
