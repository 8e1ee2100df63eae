import { visitInode } from '../../fixtures/visit-inode.ts';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { openFileSource } from '../../../lib/file-source.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { btrfs } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-btrfs-'));
const tree = join(folder, 'tree');
const marker = 'these bytes are found once on the disk';

beforeAll(() => {
  mkdirSync(join(tree, 'deep', 'deeper'), { recursive: true });
  mkdirSync(join(tree, 'many'));
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'inline'), 'fits into the tree');
  writeFileSync(join(tree, 'deep', 'deeper', 'large'), marker + 'x'.repeat(300_000));
  writeFileSync(join(tree, 'deep', 'näme with späces'), 'unicode');
  linkSync(join(tree, 'inline'), join(tree, 'deep', 'hard-link'));
  symlinkSync('deep/deeper', join(tree, 'link'));
  for (let index = 0; index < 300; index += 1) {
    writeFileSync(join(tree, 'many', `a-file-with-a-rather-long-name-number-${index}`), `${index}`);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** An image of `tree`; sparse, so that its size costs nothing. */
function make(name: string, parameters: readonly string[], size = '128M'): string {
  const path = join(folder, name);
  run('truncate', '-s', size, path);
  run('mkfs.btrfs', '-q', '-L', 'root', '--rootdir', tree, ...parameters, path);
  return path;
}

const tiny = ['--mixed', '-m', 'single', '-d', 'single', '-n', '4096', '--shrink'];

function withFilesystem<T>(path: string, work: (filesystem: Filesystem, source: ByteSource) => T): T {
  const source = openFileSource(path);
  try {
    return work(btrfs.open?.(source) as Filesystem, source);
  } finally {
    source.close();
  }
}

/** Turns one bit of a file round. */
function damage(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  byte.writeUInt8(byte.readUInt8(0) ^ 0x10);
  writeSync(file, byte, 0, 1, offset);
  closeSync(file);
}

/** Where the copies of a logical address lie, as btrfs-progs say. */
function copiesOf(path: string, address: string): readonly number[] {
  const printed = run('btrfs-map-logical', '-l', address, path);
  return [...printed.matchAll(/physical (\d+)/g)].map(([, offset]) => Number(offset));
}

function expectSameTree(filesystem: Filesystem, inode: number, path: string): void {
  const entries = filesystem.readDirectory(inode);
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(path).toSorted());
  for (const entry of entries) {
    const child = join(path, entry.name);
    const status = filesystem.status(entry.inode);
    if (status.type === 'directory') {
      expectSameTree(filesystem, entry.inode, child);
    } else if (status.type === 'symlink') {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else {
      expect(status.mode).toBe(statSync(child).mode & 0o7777);
      const file = filesystem.openFile(entry.inode);
      expect(readBytes(file, 0n, Number(file.size)).equals(readFileSync(child)), child).toBe(true);
    }
  }
}

function readAll(filesystem: Filesystem): void {
  expectSameTree(filesystem, filesystem.rootInode, tree);
}

test.each([
  ['as mkfs makes it', []],
  ['mixed chunks, nodes of 4 KiB', tiny],
  ['xxhash64', ['--csum', 'xxhash']],
  ['sha256', ['--csum', 'sha256']],
  ['holes as extents', ['-O', '^no-holes']],
])('reads the tree it was made from: %s', (_, parameters) => {
  const image = make('plain', parameters);
  withFilesystem(image, (filesystem, source) => {
    expect(btrfs.detect(source)).toEqual({ answer: 'yes' });
    readAll(filesystem);
    expect(filesystem.clean).toBe(true);
    expect(filesystem.gaps).toEqual([]);
  });
  rmSync(image);
});

test('describes a filesystem', () => {
  const uuid = randomUUID();
  const image = make('described', ['--csum', 'sha256', '-U', uuid]);
  withFilesystem(image, (filesystem, source) => {
    expect(btrfs.describe(source)).toMatchObject({
      uuid,
      label: 'root',
      properties: { sectorSize: 4096, nodeSize: 16_384, checksum: 'sha256', devices: 1, clean: true },
    });
    expect(filesystem.totalBytes).toBe(134_217_728n);
    expect(filesystem.freeBytes).toBeGreaterThan(1_000_000n);
    expect(filesystem.subvolumes?.()).toEqual([
      { id: 5, path: '', isDefault: true, isSnapshot: false, readOnly: false },
    ]);
  });
  rmSync(image);
});

test('is nothing else', () => {
  expect(btrfs.detect(memorySource(Buffer.alloc(70_000)))).toEqual({ answer: 'no' });
  expect(btrfs.detect(memorySource(Buffer.alloc(100)))).toEqual({ answer: 'no' });
});

test('reads a mirror when the superblock is damaged, and says so', () => {
  const image = make('superblock', []);
  damage(image, 0x1_0000 + 0x50);
  withFilesystem(image, (filesystem, source) => {
    expect(btrfs.detect(source)).toEqual({ answer: 'yes' });
    expect(filesystem.gaps).toMatchObject([{ where: 'superblock', reason: 'corrupt' }]);
    readAll(filesystem);
  });
  damage(image, 0x400_0000 + 0x50);
  expect(() => withFilesystem(image, readAll)).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
  rmSync(image);
});

test('reads the other copy of a damaged tree node, and says so', () => {
  const image = make('nodes', ['-m', 'dup']);
  const root = /^root\s+(\d+)$/m.exec(run('btrfs', 'inspect-internal', 'dump-super', image))?.[1] ?? '';
  const [first, second] = copiesOf(image, root);
  damage(image, (first ?? 0) + 300);
  withFilesystem(image, (filesystem) => {
    readAll(filesystem);
    expect(filesystem.gaps).toMatchObject([{ where: `tree node ${root}`, reason: 'corrupt' }]);
  });
  damage(image, (second ?? 0) + 300);
  expect(() => withFilesystem(image, readAll)).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
  rmSync(image);
});

test('notices a changed byte of content', () => {
  const image = make('content', tiny);
  damage(image, readFileSync(image).indexOf(marker) + 5000);
  expect(() => withFilesystem(image, readAll)).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt', message: expect.stringContaining('checksum') }),
  );
  rmSync(image);
});

test('refuses what lies on several devices', () => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  run('truncate', '-s', '128M', first, second);
  run('mkfs.btrfs', '-q', first, second);
  const source = openFileSource(first);
  expect(btrfs.detect(source)).toEqual({
    answer: 'unreadable',
    detail: 'holds a btrfs filesystem with 2 devices',
  });
  expect(() => btrfs.open?.(source)).toThrow(expect.objectContaining({ code: 'filesystem_unsupported' }));
  source.close();
  rmSync(first);
  rmSync(second);
});

test('says that BLAKE2b was not compared', () => {
  const image = make('blake', ['--csum', 'blake2']);
  withFilesystem(image, (filesystem) => {
    readAll(filesystem);
    expect(filesystem.gaps).toMatchObject([{ where: 'checksums', reason: 'unsupported' }]);
  });
  rmSync(image);
});

test('refuses a filesystem that goes past the end of its volume', () => {
  const image = make('cut', tiny);
  truncateSync(image, statSync(image).size - 4096);
  expect(() => withFilesystem(image, readAll)).toThrow(expect.objectContaining({ code: 'image_truncated' }));
  rmSync(image);
});

test('gives each inode another fingerprint', () => {
  const image = make('fingerprint', tiny);
  withFilesystem(image, (filesystem) => {
    const entries = filesystem.readDirectory(filesystem.rootInode);
    const of = (name: string) => {
      const inode = entries.find((entry) => entry.name === name)?.inode ?? 0;
      return Buffer.from(filesystem.fingerprint(inode)).toString('hex');
    };
    expect(of('inline')).toBe(of('inline'));
    expect(of('inline')).not.toBe(of('empty'));
  });
  rmSync(image);
});

test('ends with an error of ours, and ends, whatever the bytes are', () => {
  const uuid = randomUUID();
  const path = make('fuzz', [...tiny, '-U', uuid]);
  const image = readFileSync(path);
  const fsid = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  const isNode = (at: number) => image.subarray(at + 0x20, at + 0x30).equals(fsid);
  const nodes = Array.from({ length: image.length / 4096 }, (_, block) => block * 4096).filter(isNode);
  expect(nodes.length).toBeGreaterThan(10);
  let reads = 0;
  const counted: ByteSource = {
    size: BigInt(image.length),
    read(offset, into) {
      reads += 1;
      memorySource(image).read(offset, into);
    },
  };
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat(nodes.length - 1),
          fc.oneof(fc.integer({ min: 0x20, max: 0x400 }), fc.integer({ min: 0x20, max: 0xfff })),
          fc.nat(255),
        ),
        { minLength: 1, maxLength: 6 },
      ),
      (changes) => {
        const places = [...new Set(changes.map(([node]) => nodes[node] as number))];
        const before = places.map((at) => Buffer.from(image.subarray(at, at + 4096)));
        for (const [node, offset, value] of changes) {
          image.writeUInt8(value, (nodes[node] as number) + offset);
        }
        // The checksums are right again, so that the checks behind them are reached.
        for (const at of places) {
          const sum = crc32c(0xffffffff, image, at + 0x20, at + 4096) ^ 0xffffffff;
          image.writeUInt32LE(sum >>> 0, at);
        }
        reads = 0;
        try {
          walk(btrfs.open?.(counted) as Filesystem);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        } finally {
          before.forEach((bytes, index) => image.set(bytes, places[index]));
        }
        expect(reads).toBeLessThan(20_000);
      },
    ),
    { numRuns: 80 },
  );
  rmSync(path);
});

function walk(filesystem: Filesystem): void {
  const left = [filesystem.rootInode];
  const seen = new Set<number>();
  attempt(() => filesystem.subvolumes?.());
  attempt(() => filesystem.freeBytes);
  for (let inode = left.pop(); inode !== undefined && seen.size < 40; inode = left.pop()) {
    if (!seen.has(inode)) {
      seen.add(inode);
      const number = inode;
      attempt(() => visitInode(filesystem, number, left));
    }
  }
}

function attempt(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ColdpatchError);
  }
}
