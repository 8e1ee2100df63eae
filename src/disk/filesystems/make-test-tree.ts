import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readBytes } from '../../lib/byte-source.ts';
import type { Filesystem } from './types.ts';

/** Bytes that do not compress away and are the same in every run. */
export function noise(length: number, seed = 12_345): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at < length; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

export interface TestTreeOptions {
  /** Files in the folder `many`. */
  readonly many?: number;
  /** Bytes of the largest file. */
  readonly largest?: number;
}

/** A tree for tests of filesystems: many files, deep folders, long names of all kinds of letters, empty and large files. */
export function makeTestTree(folder: string, options: TestTreeOptions = {}): void {
  const deep = Array.from({ length: 12 }, (_, level) => `level-${level}`);
  mkdirSync(join(folder, ...deep), { recursive: true });
  mkdirSync(join(folder, 'many'));
  mkdirSync(join(folder, 'leer'));
  writeFileSync(join(folder, ...deep, 'bottom.txt'), 'at the bottom');
  writeFileSync(join(folder, 'README.TXT'), 'short name');
  writeFileSync(join(folder, 'lower.txt'), 'lower case');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'Grüße – 日本語 – Ελληνικά.txt'), 'unicode');
  writeFileSync(join(folder, `${'ein sehr langer Name '.repeat(9)}Ende.dat`), noise(3000));
  writeFileSync(join(folder, 'large.bin'), noise(options.largest ?? 700_001));
  writeFileSync(join(folder, 'zeros.bin'), Buffer.alloc(200_000));
  for (let index = 0; index < (options.many ?? 400); index += 1) {
    writeFileSync(
      join(folder, 'many', `A rather long name, number ${index}.conf`),
      noise((index * 37) % 3000, index),
    );
  }
}

/** The tree of the filesystem is the one in `folder`: names, types and all bytes. */
export function expectSameTree(filesystem: Filesystem, inode: number, folder: string): void {
  const entries = filesystem.readDirectory(inode);
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(folder).toSorted());
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const status = filesystem.status(entry.inode);
    expect(status.type, path).toBe(statSync(path).isDirectory() ? 'directory' : 'file');
    if (status.type === 'directory') {
      expectSameTree(filesystem, entry.inode, path);
    } else {
      expect(contentOf(filesystem, entry.inode).equals(readFileSync(path)), path).toBe(true);
    }
  }
}

export function contentOf(filesystem: Filesystem, inode: number): Buffer {
  const file = filesystem.openFile(inode);
  return readBytes(file, 0n, Number(file.size));
}

/** Reads everything that the filesystem has, and stops after `mostInodes`: for damaged ones. */
export function readEverything(filesystem: Filesystem, mostInodes: number): void {
  const waiting = [filesystem.rootInode];
  for (let seen = 0; seen < mostInodes && waiting.length > 0; seen += 1) {
    const inode = waiting.pop() as number;
    const { type, size } = filesystem.status(inode);
    filesystem.fingerprint(inode);
    filesystem.extendedAttributes(inode);
    if (type === 'directory') {
      waiting.push(...filesystem.readDirectory(inode).map((entry) => entry.inode));
    } else if (type === 'symlink') {
      filesystem.readLink(inode);
    } else if (type === 'file') {
      readBytes(filesystem.openFile(inode), 0n, Number(size < 100_000n ? size : 100_000n));
    }
  }
}
