import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Filesystem } from '../src/disk/filesystems/types.ts';
import { openImage } from '../src/disk/open-image.ts';
import { readBytes } from '../src/lib/byte-source.ts';

/** Journals left by a real kernel that was interrupted, and the same kernel's replay as the judge. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-journal-'));
const mountPoint = join(folder, 'mount');
mkdirSync(mountPoint);
afterAll(() => rmSync(folder, { recursive: true }));

const journalMagic = Buffer.from('c03b3998', 'hex');

/** Runs `work` while the filesystem in `image` is mounted. */
function mounted(image: string, options: string, work: () => void): void {
  execFileSync('mount', ['-o', `loop,${options}`, image, mountPoint]);
  try {
    work();
  } finally {
    execFileSync('umount', [mountPoint]);
  }
}

function synced(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function inside(...path: readonly string[]): string {
  return join(mountPoint, ...path);
}

/** Changes of all kinds, each committed to the journal and most of them not yet written to their places. */
function change(): void {
  mkdirSync(inside('directory'));
  for (let index = 0; index < 300; index += 1) {
    writeFileSync(inside('directory', `file-${index}-${'n'.repeat(60)}`), `content ${index}`);
  }
  synced(inside('directory'));
  mkdirSync(inside('removed'));
  for (let index = 0; index < 200; index += 1) {
    writeFileSync(inside('removed', `file-${index}-${'n'.repeat(60)}`), '');
  }
  synced(inside('removed'));
  rmSync(inside('removed'), { recursive: true });
  // Its blocks were directories a moment ago: only the revoke records keep the replay from overwriting them.
  writeFileSync(inside('reused'), Buffer.alloc(300_000, journalMagic));
  synced(inside('reused'));
  symlinkSync('somewhere/'.repeat(20), inside('link'));
  renameSync(inside('directory', `file-1-${'n'.repeat(60)}`), inside('moved'));
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'x'.repeat(500), inside('moved')]);
  execFileSync('mknod', [inside('node'), 'b', '300', '70000']);
  truncateSync(inside('reused'), 123_457);
  synced(inside('moved'));
  synced(mountPoint);
  writeFileSync(inside('last'), 'written last');
  synced(inside('last'));
}

function interrupted(name: string, parameters: readonly string[], options: string): string {
  const image = join(folder, name);
  const dirty = join(folder, `${name}-dirty`);
  execFileSync('mke2fs', ['-q', '-F', '-b', '4096', ...parameters, image, '64M'], { stdio: 'pipe' });
  mounted(image, options, () => {
    change();
    copyFileSync(image, dirty);
  });
  rmSync(image);
  return dirty;
}

function withFilesystem(image: string, work: (filesystem: Filesystem) => void): void {
  const opened = openImage({ path: image, format: 'raw' });
  try {
    expect(opened.volumes[0]?.filesystem, JSON.stringify(opened.gaps)).toBeDefined();
    work(opened.volumes[0]?.filesystem as Filesystem);
  } finally {
    opened.close();
  }
}

/** What we read from the interrupted image is what the kernel shows once it has replayed the journal. */
function expectAsKernelReads(image: string): void {
  const replayed = `${image}-replayed`;
  copyFileSync(image, replayed);
  withFilesystem(image, (filesystem) => {
    mounted(replayed, 'rw', () => expectSameTree(filesystem, filesystem.rootInode, mountPoint));
  });
  rmSync(replayed);
}

function expectSameTree(filesystem: Filesystem, inode: number, path: string): void {
  const entries = filesystem.readDirectory(inode);
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(path).toSorted());
  for (const entry of entries) {
    const child = join(path, entry.name);
    const real = lstatSync(child, { bigint: true });
    const status = filesystem.status(entry.inode);
    expect([BigInt(entry.inode), BigInt(status.mode), status.modifiedAt, status.changedAt]).toEqual([
      real.ino,
      real.mode & 0o7777n,
      real.mtimeNs,
      real.ctimeNs,
    ]);
    if (status.type === 'directory') {
      expectSameTree(filesystem, entry.inode, child);
    } else if (status.type === 'symlink') {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else if (status.type === 'file') {
      const file = filesystem.openFile(entry.inode);
      expect(readBytes(file, 0n, Number(file.size)).equals(readFileSync(child)), child).toBe(true);
    }
  }
}

const layouts: readonly (readonly [title: string, parameters: readonly string[], options: string])[] = [
  ['checksums of version 3', ['-t', 'ext4'], 'rw'],
  ['no checksums, 32 bits', ['-t', 'ext4', '-O', '^metadata_csum,^64bit'], 'rw'],
  ['no checksums, 64 bits', ['-t', 'ext4', '-O', '^metadata_csum,64bit'], 'rw'],
  ['journal checksums of their own', ['-t', 'ext4', '-O', '^metadata_csum'], 'journal_checksum'],
  ['blocks of 1 KiB', ['-t', 'ext4', '-b', '1024'], 'rw'],
  ['logged and escaped data', ['-t', 'ext4'], 'data=journal'],
  ['a journal that has gone round', ['-t', 'ext4', '-b', '1024', '-J', 'size=1'], 'data=journal'],
  ['ext3', ['-t', 'ext3'], 'rw'],
];

describe('an interrupted filesystem is read as the kernel reads it', () => {
  for (const [what, parameters, options] of layouts) {
    test(`with ${what}`, () => {
      const dirty = interrupted('layout', parameters, options);
      withFilesystem(dirty, (filesystem) => {
        expect(filesystem.clean).toBe(false);
        expect(filesystem.gaps).toEqual([]);
        const moved = filesystem.readDirectory(filesystem.rootInode).find(({ name }) => name === 'moved');
        const note = filesystem.extendedAttributes(moved?.inode ?? 0).get('user.note');
        expect(Buffer.from(note ?? []).toString()).toBe('x'.repeat(500));
        const node = filesystem.readDirectory(filesystem.rootInode).find(({ name }) => name === 'node');
        expect(filesystem.status(node?.inode ?? 0).device).toEqual({ major: 300, minor: 70_000 });
      });
      expectAsKernelReads(dirty);
    });
  }
});

test('without the journal the changes would not be seen', () => {
  const dirty = interrupted('stale', ['-t', 'ext4'], 'rw');
  const bytes = readFileSync(dirty);
  const incompat = 1024 + 0x60;
  bytes.writeUInt32LE(bytes.readUInt32LE(incompat) & ~0x4, incompat);
  // The superblock's checksum no longer matters when the feature is gone as well.
  bytes.writeUInt32LE(bytes.readUInt32LE(1024 + 0x64) & ~0x400, 1024 + 0x64);
  writeFileSync(dirty, bytes);
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.readDirectory(filesystem.rootInode).map(({ name }) => name)).not.toContain('moved');
  });
});

/** The first byte of each block. */
function blocksOf(bytes: Buffer): readonly number[] {
  return Array.from({ length: bytes.length / 4096 }, (_, block) => block * 4096);
}

test('a transaction without its commit block does not count', () => {
  for (const parameters of [
    ['-t', 'ext4'],
    ['-t', 'ext4', '-O', '^metadata_csum'],
  ]) {
    const dirty = interrupted('torn', parameters, 'rw');
    const bytes = readFileSync(dirty);
    const commit = Buffer.from('c03b399800000002', 'hex');
    const places = blocksOf(bytes).filter((at) => bytes.subarray(at, at + 8).equals(commit));
    const last = places.toSorted((a, b) => bytes.readUInt32BE(a + 8) - bytes.readUInt32BE(b + 8)).at(-1);
    expect(last, `${places.length} commit blocks`).toBeDefined();
    bytes.fill(0, last, (last ?? 0) + 4096);
    writeFileSync(dirty, bytes);
    withFilesystem(dirty, (filesystem) => expect(filesystem.gaps).toEqual([]));
    expectAsKernelReads(dirty);
  }
});

test('a logged block that does not match its checksum makes a gap', () => {
  const dirty = interrupted('damaged', ['-t', 'ext4'], 'data=journal');
  const bytes = readFileSync(dirty);
  // Escaped data is the only block of the log that starts with zeros and goes on with the magic number.
  const escaped = Buffer.concat([Buffer.alloc(4), journalMagic, journalMagic]);
  const place = blocksOf(bytes).find((at) => bytes.subarray(at, at + 12).equals(escaped));
  expect(place).toBeDefined();
  bytes.writeUInt8(1, (place ?? 0) + 2000);
  writeFileSync(dirty, bytes);
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.gaps).toMatchObject([{ where: 'journal', reason: 'unclean' }]);
  });
});

test('fast commits make a gap', () => {
  const dirty = interrupted('fast', ['-t', 'ext4', '-O', 'fast_commit'], 'rw');
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.clean).toBe(false);
    expect(filesystem.gaps).toMatchObject([
      { where: 'journal', reason: 'unclean', detail: expect.stringContaining('fast commits') },
    ]);
  });
});
