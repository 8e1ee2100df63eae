import {
  lstatSync,
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
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DirectoryEntry, Filesystem } from '../disk/filesystems/types.ts';
import { extractFiles } from './extract-files.ts';
import { mountTree } from './file-tree.ts';
import { memoryFilesystem } from './fixtures/memory-filesystem.ts';
import { listFiles } from './list-files.ts';

const files = {
  'etc/passwd': 'root:x:0:0\n',
  'etc/ssl/key': 'secret',
  'etc/link': { link: '../../../../outside' },
  'etc/pipe': { type: 'fifo' },
  'etc/empty': '',
  'var/sparse': { sparse: 3n * 1024n * 1024n + 5n },
} as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-extract-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function tree(filesystem: Filesystem = memoryFilesystem(files)) {
  return mountTree([{ path: '/', filesystem }]);
}

test('lists a directory, with all below it when asked', () => {
  const paths = (recursive: boolean) => [...listFiles(tree(), '/etc', { recursive })].map(({ path }) => path);
  expect(paths(false)).toEqual(['/etc/empty', '/etc/link', '/etc/passwd', '/etc/pipe', '/etc/ssl']);
  expect(paths(true)).toEqual([...paths(false), '/etc/ssl/key']);
  expect([...listFiles(tree(), '/etc/passwd', { recursive: false })].map(({ path }) => path)).toEqual([
    '/etc/passwd',
  ]);
});

test('copies a directory, leaves out what is no file, and follows no link', () => {
  const out = join(folder, 'out');
  expect(extractFiles(tree(), '/etc/', out)).toEqual({ files: 4, bytes: 17n, skipped: ['/etc/pipe'] });
  expect(new Set(readdirSync(out, { recursive: true, encoding: 'utf8' }))).toEqual(
    new Set(['empty', 'link', 'passwd', 'ssl', 'ssl/key']),
  );
  expect(readFileSync(join(out, 'ssl/key'), 'utf8')).toBe('secret');
  expect(readlinkSync(join(out, 'link'))).toBe('../../../../outside');
});

test('a file that is sparse stays so', () => {
  const out = join(folder, 'sparse');
  extractFiles(tree(), '/var/sparse', out);
  expect(statSync(out).size).toBe(3 * 1024 * 1024 + 5);
  expect(statSync(out).blocks).toBe(0);
});

test('what exists is not touched', () => {
  const out = join(folder, 'there');
  writeFileSync(out, 'mine');
  expect(() => extractFiles(tree(), '/etc/passwd', out)).toThrow(expect.objectContaining({ code: 'usage' }));
  expect(readFileSync(out, 'utf8')).toBe('mine');
});

test.each(['..', '.', 'a/b', '../../evil', ''])('a file named %j is refused, and nothing is left', (name) => {
  expect(() => extractFiles(tree(renaming('passwd', name)), '/etc', join(folder, 'out'))).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^(filesystem_corrupt|path_not_found|usage)$/) }),
  );
  expect(readdirSync(folder)).toEqual([]);
});

test('a directory under the name of a link before it is not written through the link', () => {
  const outside = join(folder, 'outside');
  const planted = memoryFilesystem({ 'top/a': { link: outside }, 'top/b/passwd': 'planted' });
  const twice: Filesystem = {
    ...planted,
    readDirectory: (inode) =>
      planted
        .readDirectory(inode)
        .map((entry) => (entry.name === 'b' ? { ...entry, nameBytes: Buffer.from('a') } : entry)),
  };
  expect(() => extractFiles(tree(twice), '/top', join(folder, 'out'))).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
  expect(lstatSync(outside, { throwIfNoEntry: false })).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

function renaming(from: string, to: string): Filesystem {
  const filesystem = memoryFilesystem(files);
  const rename = (entry: DirectoryEntry): DirectoryEntry =>
    entry.name === from ? { ...entry, nameBytes: Buffer.from(to) } : entry;
  return { ...filesystem, readDirectory: (inode) => filesystem.readDirectory(inode).map(rename) };
}
