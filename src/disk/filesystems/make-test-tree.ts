import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import { type ErrorCode, isColdpatchError } from '../../lib/errors.ts';
import { memorySource } from '../memory-source.ts';
import type { Filesystem, FilesystemFormat } from './types.ts';

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

/** What damage of an opened filesystem may be answered with. */
const refusals: readonly ErrorCode[] = ['filesystem_corrupt', 'filesystem_unsupported', 'limit_exceeded'];

/**
 * Reads what a damaged filesystem has, 60 inodes of it: everything is read or refused by its code, in a bounded number of
 * reads.
 */
export function readDamaged(format: FilesystemFormat, bytes: Uint8Array): void {
  let reads = 0;
  const whole = memorySource(bytes);
  const source: ByteSource = {
    size: whole.size,
    read(offset, into) {
      reads += 1;
      whole.read(offset, into);
    },
  };
  if (format.detect(source).answer === 'no') {
    return;
  }
  const filesystem = orRefused([...refusals, 'image_truncated'], () => {
    format.describe(source);
    return format.open?.(source);
  });
  if (filesystem !== undefined) {
    readInodes(filesystem);
  }
  expect(reads).toBeLessThan(100_000);
}

function readInodes(filesystem: Filesystem): void {
  const waiting = [filesystem.rootInode];
  const attempt = <Result>(work: () => Result): Result | undefined => orRefused(refusals, work);
  attempt(() => filesystem.freeBytes);
  for (let seen = 0; seen < 60 && waiting.length > 0; seen += 1) {
    const inode = waiting.pop() as number;
    const status = attempt(() => filesystem.status(inode));
    attempt(() => filesystem.extendedAttributes(inode));
    attempt(() => filesystem.readLink(inode));
    const entries = attempt(() => filesystem.readDirectory(inode)) ?? [];
    waiting.push(...entries.slice(0, 1000).map((entry) => entry.inode));
    const file = attempt(() => filesystem.openFile(inode));
    if (file !== undefined) {
      attempt(() => readBytes(file, 0n, Number(file.size < 100_000n ? file.size : 100_000n)));
    }
    if (status === undefined || status.size < 1_000_000n) {
      attempt(() => filesystem.fingerprint(inode));
    }
  }
}

function orRefused<Result>(codes: readonly ErrorCode[], work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (isColdpatchError(error, ...codes)) {
      return undefined;
    }
    throw error;
  }
}
