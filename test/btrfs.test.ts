import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { btrfs } from '../src/disk/filesystems/btrfs/index.ts';
import type { Filesystem } from '../src/disk/filesystems/types.ts';
import { readBytes } from '../src/lib/byte-source.ts';
import { openFileSource } from '../src/lib/file-source.ts';

/** Filesystems that the kernel wrote, and the kernel's own mount of them as the judge of every byte. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-btrfs-'));
const mountPoint = join(folder, 'mount');
mkdirSync(mountPoint);
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

function mounted(image: string, options: string, work: () => void): void {
  run('mount', '-t', 'btrfs', '-o', `loop,${options}`, image, mountPoint);
  try {
    work();
    // A mount namespace that another program made meanwhile keeps the filesystem alive beyond the umount.
    run('sync', '-f', mountPoint);
  } finally {
    run('umount', mountPoint);
  }
}

function inside(...path: readonly string[]): string {
  return join(mountPoint, ...path);
}

function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** Text that compresses, though not to nothing, and differs everywhere. */
function prose(length: number): Buffer {
  const line = (index: number) => `line ${index} of a text that goes on, ${index * 7919}\n`;
  return Buffer.from(Array.from({ length: Math.ceil(length / 30) }, (_, i) => line(i)).join('')).subarray(
    0,
    length,
  );
}

/** Writes pieces in an order that scatters them over the disk. */
function writeFragments(path: string, count: number): void {
  const file = openSync(path, 'w');
  for (let index = 0; index < count; index += 1) {
    writeSync(file, noise(4096 + (index % 5) * 1000, index), 0, 4096, ((index * 37) % count) * 8192);
    if (index % 8 === 0) {
      fsyncSync(file);
    }
  }
  closeSync(file);
}

function writeSparse(path: string, length: number): void {
  const file = openSync(path, 'w');
  writeSync(file, prose(10_000), 0, 10_000, 1_000_000);
  writeSync(file, prose(300_000), 0, 300_000, 70_000_001);
  ftruncateSync(file, length);
  closeSync(file);
}

/** @param sparseBytes length of a file that is nearly all hole */
function populate(top: string, sparseBytes: number): void {
  const at = (...path: readonly string[]) => join(top, ...path);
  mkdirSync(at('kinds'));
  for (const size of [0, 1, 100, 2000, 2048, 4095, 4096, 4097, 131_071, 131_072, 131_073, 1_000_003]) {
    writeFileSync(at('kinds', `prose-${size}`), prose(size));
    writeFileSync(at('kinds', `noise-${size}`), noise(size, size));
    writeFileSync(at('kinds', `zeros-${size}`), Buffer.alloc(size));
  }
  writeFragments(at('kinds', 'fragments'), 600);
  writeSparse(at('kinds', 'sparse'), sparseBytes);
  run('fallocate', '-l', '3M', at('kinds', 'preallocated'));
  writeFileSync(at('kinds', 'preallocated'), prose(50_000), { flag: 'r+' });
  writeFileSync(at('kinds', 'uncow'), '');
  run('chattr', '+C', at('kinds', 'uncow'));
  writeFileSync(at('kinds', 'uncow'), noise(200_000, 3));
  run('cp', '--reflink=always', at('kinds', 'fragments'), at('kinds', 'reflink'));
  writeFileSync(at('kinds', 'reflink'), 'changed in the copy', { flag: 'r+' });
  run('fallocate', '--punch-hole', '-o', '40960', '-l', '81920', at('kinds', 'reflink'));
  run('ln', at('kinds', 'prose-4097'), at('kinds', 'hard-link'));
  symlinkSync('prose-1', at('kinds', 'link'));
  symlinkSync('long/'.repeat(500), at('kinds', 'long-link'));
  run('mknod', at('kinds', 'null'), 'c', '1', '3');
  run('mknod', at('kinds', 'block'), 'b', '300', '70000');
  run('mkfifo', at('kinds', 'pipe'));
  writeFileSync(Buffer.concat([Buffer.from(`${top}/kinds/`), Buffer.from('odd-\xff\xfe', 'latin1')]), 'odd');
  run('setfattr', '-n', 'user.note', '-v', 'some text', at('kinds', 'prose-1'));
  run('setfattr', '-n', 'user.long', '-v', 'x'.repeat(3000), at('kinds', 'prose-1'));
  run('setfattr', '-n', 'trusted.empty', at('kinds', 'prose-1'));
  run('setcap', 'cap_net_raw+ep', at('kinds', 'prose-100'));
  run('chown', '1234:70000', at('kinds', 'noise-1'));
  run('chmod', '6751', at('kinds', 'noise-100'));
  mkdirSync(at('many'));
  for (let index = 0; index < 4000; index += 1) {
    writeFileSync(
      at('many', `a-file-of-a-large-directory-${index}`),
      index % 3 === 0 ? '' : `content ${index}`,
    );
  }
  for (let index = 0; index < 4000; index += 7) {
    rmSync(at('many', `a-file-of-a-large-directory-${index}`));
  }
  run('cp', '-a', '/usr/share/perl5', top);
}

/** Subvolumes inside subvolumes and directories, snapshots of both kinds. */
function branch(top: string): void {
  run('btrfs', 'subvolume', 'create', join(top, '@'));
  run('btrfs', 'subvolume', 'create', join(top, '@home'));
  mkdirSync(join(top, '@', 'var', 'deep'), { recursive: true });
  run('btrfs', 'subvolume', 'create', join(top, '@', 'var', 'deep', 'nested'));
  writeFileSync(join(top, '@', 'var', 'deep', 'nested', 'file'), prose(5000));
  writeFileSync(join(top, '@', 'first'), 'before the snapshot');
  run('btrfs', 'subvolume', 'create', join(top, '@', '.snapshots'));
  mkdirSync(join(top, '@', '.snapshots', '1'));
  run('btrfs', 'subvolume', 'snapshot', join(top, '@'), join(top, '@', '.snapshots', '1', 'snapshot'));
  run('btrfs', 'subvolume', 'snapshot', '-r', join(top, '@'), join(top, '@', '.snapshots', 'read-only'));
  writeFileSync(join(top, '@', 'first'), 'after the snapshot, and longer');
  run('btrfs', 'subvolume', 'create', join(top, 'gone'));
  run('btrfs', 'subvolume', 'delete', '-c', join(top, 'gone'));
}

function withFilesystem<T>(image: string, work: (filesystem: Filesystem) => T): T {
  const source = openFileSource(image);
  try {
    expect(btrfs.detect(source)).toEqual({ answer: 'yes' });
    return work(btrfs.open?.(source) as Filesystem);
  } finally {
    source.close();
  }
}

interface Judged {
  files: number;
  bytes: bigint;
}

const chunkBytes = 1024 * 1024;

function expectSameTree(
  filesystem: Filesystem,
  inode: number,
  path: Buffer,
  judged: Judged,
  seen: Map<number, string>,
): void {
  const entries = filesystem.readDirectory(inode);
  const hex = (names: readonly Uint8Array[]) =>
    names.map((name) => Buffer.from(name).toString('hex')).toSorted();
  const real = readdirSync(path, { encoding: 'buffer' });
  expect(hex(entries.map(({ nameBytes }) => nameBytes)), path.toString()).toEqual(hex(real));
  for (const entry of entries) {
    const child = Buffer.concat([path, Buffer.from('/'), entry.nameBytes]);
    const there = lstatSync(child, { bigint: true });
    const status = filesystem.status(entry.inode);
    const isStub = there.ino === 2n;
    expect(
      [status.mode, status.uid, status.gid, status.linkCount, isStub ? 0n : status.size].map(BigInt),
      child.toString(),
    ).toEqual([there.mode & 0o7777n, there.uid, there.gid, there.nlink, there.size]);
    if (!isStub) {
      expect([status.modifiedAt, status.changedAt]).toEqual([there.mtimeNs, there.ctimeNs]);
    }
    const identity = `${there.dev} ${there.ino}`;
    expect(isStub || (seen.get(entry.inode) ?? identity) === identity, 'an inode number for two files').toBe(
      true,
    );
    seen.set(entry.inode, identity);
    judged.files += 1;
    if (there.isDirectory()) {
      expect(status.type).toBe('directory');
      expectSameTree(filesystem, entry.inode, child, judged, seen);
    } else if (there.isSymbolicLink()) {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else if (there.isFile()) {
      expectSameContent(filesystem, entry.inode, child, judged);
    } else {
      expect(status.type).toBe(
        there.isFIFO() ? 'fifo' : there.isBlockDevice() ? 'block-device' : 'character-device',
      );
      if (!there.isFIFO()) {
        const { major, minor } = status.device ?? { major: 0, minor: 0 };
        expect(`${major.toString(16)},${minor.toString(16)}`).toBe(
          run('stat', '-c', '%t,%T', child.toString()).trim(),
        );
      }
    }
  }
}

function expectSameContent(filesystem: Filesystem, inode: number, path: Buffer, judged: Judged): void {
  const content = filesystem.openFile(inode);
  if (content.size > 1_000_000_000n) {
    for (const at of [0, 999_000, 1_005_000, 69_990_000, 70_100_000, 70_300_000, 4_999_990_000]) {
      const real = execFileSync(
        'dd',
        [
          `if=${path.toString()}`,
          'iflag=skip_bytes,count_bytes,fullblock',
          `skip=${at}`,
          'count=10000',
          'bs=1M',
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      );
      expect(readBytes(content, BigInt(at), 10_000).equals(real), `${path.toString()} at ${at}`).toBe(true);
    }
    return;
  }
  const real = readFileSync(path);
  expect(Number(content.size)).toBe(real.length);
  for (let at = 0; at < real.length; at += chunkBytes) {
    const part = real.subarray(at, at + chunkBytes);
    expect(readBytes(content, BigInt(at), part.length).equals(part), `${path.toString()} at ${at}`).toBe(
      true,
    );
  }
  // Pieces that begin and end anywhere.
  for (const at of [1, 4095, 131_000].filter((start) => start < real.length)) {
    const part = real.subarray(at, at + 5001);
    expect(readBytes(content, BigInt(at), part.length).equals(part), `${path.toString()} from ${at}`).toBe(
      true,
    );
  }
  judged.bytes += content.size;
}

/** Compares all attributes that getfattr prints. */
function expectSameAttributes(filesystem: Filesystem, names: readonly string[], path: string): void {
  const inode = names.reduce((directory, name) => {
    const entry = filesystem.readDirectory(directory).find((candidate) => candidate.name === name);
    return entry?.inode ?? 0;
  }, filesystem.rootInode);
  const printed = run('getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', path);
  const real = [...printed.matchAll(/^([^#=\n]+)(?:=0x(.*))?$/gm)].map(
    ([, name, hex]) => `${name}=${hex ?? ''}`,
  );
  const ours = [...filesystem.extendedAttributes(inode)].map(
    ([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`,
  );
  expect(new Set(ours)).toEqual(new Set(real));
}

function expectAsKernelReads(image: string, options: string, filesystem: Filesystem): Judged {
  const judged: Judged = { files: 0, bytes: 0n };
  mounted(image, options, () => {
    expectSameTree(filesystem, filesystem.rootInode, Buffer.from(mountPoint), judged, new Map());
  });
  return judged;
}

const layouts: readonly (readonly [title: string, parameters: readonly string[], options: string])[] = [
  ['the settings of mkfs', [], 'rw'],
  ['zlib and xxhash64', ['--csum', 'xxhash'], 'compress-force=zlib'],
  ['lzo and sha256', ['--csum', 'sha256'], 'compress-force=lzo'],
  ['zstd, nodes of 64 KiB', ['-n', '65536'], 'compress-force=zstd'],
  ['holes as extents, data twice', ['-O', '^no-holes', '-d', 'dup'], 'compress=zstd:15'],
  ['mixed chunks, nodes of 4 KiB', ['--mixed', '-n', '4096'], 'compress-force=lzo'],
  ['blake2b, inline up to 4000 bytes', ['--csum', 'blake2'], 'compress-force=zlib,max_inline=4000'],
  ['no checksums of data, no copies', ['-m', 'single'], 'nodatasum'],
];

describe('a filesystem is read as the kernel reads it', () => {
  for (const [title, parameters, options] of layouts) {
    test(`with ${title}`, () => {
      const image = join(folder, 'layout');
      rmSync(image, { force: true });
      run('truncate', '-s', '700M', image);
      run('mkfs.btrfs', '-q', '-L', 'judged', ...parameters, image);
      mounted(image, options, () => {
        populate(mountPoint, parameters.length === 0 ? 5_000_000_000 : 100_000_000);
        branch(mountPoint);
      });
      withFilesystem(image, (filesystem) => {
        expect(filesystem.clean).toBe(true);
        expect(filesystem.gaps.map(({ where }) => where)).toEqual(
          title.startsWith('blake2b') ? ['checksums'] : [],
        );
        const judged = expectAsKernelReads(image, 'ro', filesystem);
        expect(judged.files).toBeGreaterThan(4000);
        mounted(image, 'ro', () => {
          for (const name of ['prose-1', 'prose-100', 'noise-1', 'uncow']) {
            expectSameAttributes(filesystem, ['kinds', name], inside('kinds', name));
          }
        });
        for (const { id, path } of filesystem.subvolumes?.() ?? []) {
          expectAsKernelReads(image, `ro,subvolid=${id}`, filesystem.openSubvolume?.(id) as Filesystem);
          expectAsKernelReads(image, `ro,subvol=/${path}`, filesystem.openSubvolume?.(id) as Filesystem);
        }
        // Only a mount for writing counts what no chunk has taken yet, and it changes the image: so it comes last.
        const ours = filesystem.freeBytes;
        mounted(image, 'rw', () => {
          const usage = run('btrfs', 'filesystem', 'usage', '-b', mountPoint);
          const estimated = Number(/Free \(estimated\):\s+(\d+)/.exec(usage)?.[1]);
          expect(Math.abs(Number(ours) - estimated), `${ours} and ${estimated}`).toBeLessThan(8 * chunkBytes);
        });
      });
    });
  }
});

function small(name: string, parameters: readonly string[], options: string, work: () => void): string {
  const image = join(folder, name);
  run('truncate', '-s', '256M', image);
  run('mkfs.btrfs', '-q', ...parameters, image);
  mounted(image, options, work);
  return image;
}

test('lists subvolumes, and shows the default one first', () => {
  const image = small('subvolumes', [], 'rw', () => {
    branch(mountPoint);
    run('btrfs', 'subvolume', 'set-default', inside('@', '.snapshots', '1', 'snapshot'));
  });
  withFilesystem(image, (filesystem) => {
    const listed = (filesystem.subvolumes?.() ?? []).map(({ path, isDefault, isSnapshot, readOnly }) => [
      path,
      [isDefault && 'default', isSnapshot && 'snapshot', readOnly && 'read-only'].filter(Boolean).join(' '),
    ]);
    expect(Object.fromEntries(listed)).toEqual({
      '': '',
      '@': '',
      '@home': '',
      '@/var/deep/nested': '',
      '@/.snapshots': '',
      '@/.snapshots/1/snapshot': 'default snapshot',
      '@/.snapshots/read-only': 'snapshot read-only',
    });
    expectAsKernelReads(image, 'ro', filesystem);
    expect(() => filesystem.openSubvolume?.(2)).toThrow(expect.objectContaining({ code: 'path_not_found' }));
  });
  rmSync(image);
});

test('what fsync wrote after the last commit is a gap', () => {
  const dirty = join(folder, 'dirty');
  const image = small('fsync', [], 'commit=300', () => {
    writeFileSync(inside('committed'), 'committed');
    run('sync', '-f', mountPoint);
    const file = openSync(inside('logged'), 'w');
    writeSync(file, 'logged');
    fsyncSync(file);
    copyFileSync(join(folder, 'fsync'), dirty);
    closeSync(file);
  });
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.clean).toBe(false);
    expect(filesystem.gaps).toMatchObject([{ where: 'log tree', reason: 'unclean' }]);
    expect(filesystem.readDirectory(filesystem.rootInode).map(({ name }) => name)).toEqual(['committed']);
  });
  rmSync(image);
  rmSync(dirty);
});
