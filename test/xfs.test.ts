import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { xfs } from '../src/disk/filesystems/xfs/index.ts';
import { memorySource } from '../src/disk/memory-source.ts';
import { crc32c } from '../src/lib/crc32c.ts';
import { ColdpatchError } from '../src/lib/errors.ts';
import type { Filesystem } from '../src/disk/filesystems/types.ts';
import { openImage } from '../src/disk/open-image.ts';
import { readBytes } from '../src/lib/byte-source.ts';

/** XFS made by mkfs.xfs and filled by the kernel, whose own mount is the judge of what we read. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-xfs-'));
const mountPoint = join(folder, 'mount');
mkdirSync(mountPoint);
afterAll(() => rmSync(folder, { recursive: true }));

const manyFiles = 10_000;

/** Runs `work` while the filesystem in `image` is mounted. */
function mounted(image: string, options: string, work: () => void): void {
  execFileSync('mount', ['-t', 'xfs', '-o', `loop,${options}`, image, mountPoint], { stdio: 'pipe' });
  try {
    work();
  } finally {
    execFileSync('umount', [mountPoint]);
  }
}

function inside(...path: readonly string[]): string {
  return join(mountPoint, ...path);
}

function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

function fillDirectory(name: string, files: number, nameBytes: number, content = ''): void {
  mkdirSync(inside(name));
  for (let index = 0; index < files; index += 1) {
    writeFileSync(inside(name, `${index}-`.padEnd(nameBytes, 'n')), content);
  }
}

/** Every second block of `piece` bytes is a hole, so that each other one is an extent. */
function writeFragmented(path: string, pieces: number, piece: number): void {
  const descriptor = openSync(path, 'w');
  for (let index = 0; index < pieces; index += 1) {
    writeSync(descriptor, noise(piece, index + 1), 0, piece, index * piece * 2);
  }
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function setAttributes(path: string, attributes: Readonly<Record<string, Buffer>>): void {
  const lines = Object.entries(attributes).map(([name, value]) => `${name}=0x${value.toString('hex')}`);
  execFileSync('setfattr', ['--restore=-'], {
    input: `# file: ${path}\n${lines.join('\n')}\n\n`,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

interface Fill {
  readonly blockSize: number;
  readonly reflink: boolean;
}

function fill({ blockSize, reflink }: Fill): void {
  mkdirSync(inside('empty'));
  fillDirectory('inline', 3, 10);
  fillDirectory('block', 20, 12);
  fillDirectory('leaf', 300, 30);
  fillDirectory('node', manyFiles, 40);
  fillDirectory('tree', 2000, 255, 'a block between the blocks of the directory');
  for (let index = 100; index < 290; index += 1) {
    rmSync(inside('leaf', `${index}-`.padEnd(30, 'n')));
  }
  for (let index = 1000; index < 5000; index += 1) {
    rmSync(inside('node', `${index}-`.padEnd(40, 'n')));
  }
  writeFileSync(Buffer.concat([Buffer.from(inside('inline/')), Buffer.from([0xff, 0xfe, 0x41])]), 'no UTF-8');
  writeFileSync(inside('nothing'), '');
  writeFileSync(inside('plain'), noise(1_234_567));
  writeFragmented(inside('fragmented'), blockSize > 4096 ? 500 : 2500, blockSize);
  writeFileSync(inside('sparse'), noise(5000));
  truncateSync(inside('sparse'), 5_000_000_000);
  appendFileSync(inside('sparse'), noise(9000));
  truncateSync(inside('sparse'), 2 ** 43);
  execFileSync('fallocate', ['-l', '300000', inside('allocated')]);
  appendFileSync(inside('allocated'), noise(5000));
  execFileSync('fallocate', ['-n', '-o', '0', '-l', '500000', inside('plain')]);
  execFileSync('fallocate', ['-p', '-o', '65536', '-l', '131072', inside('plain')]);
  if (reflink) {
    execFileSync('cp', ['--reflink=always', inside('plain'), inside('shared')]);
    const descriptor = openSync(inside('shared'), 'r+');
    writeSync(descriptor, noise(10_000, 77), 0, 10_000, 700_000);
    closeSync(descriptor);
  }
  symlinkSync('short', inside('short-link'));
  symlinkSync('m'.repeat(300), inside('middle-link'));
  symlinkSync('l'.repeat(1000), inside('long-link'));
  symlinkSync('l'.repeat(1023), inside('longest-link'));
  execFileSync('mknod', [inside('disk'), 'b', '300', '70000']);
  execFileSync('mknod', [inside('null'), 'c', '1', '3']);
  execFileSync('mkfifo', [inside('pipe')]);
  linkSync(inside('nothing'), inside('linked'));
  chmodSync(inside('nothing'), 0o6751);
  chownSync(inside('nothing'), 4_000_000_000, 70_000);
  chmodSync(inside('empty'), 0o1777);
  fillAttributes();
  utimesSync(inside('plain'), 1, 1_999_999_999.5);
  utimesSync(inside('null'), 0, -1_000_000.25);
}

function fillAttributes(): void {
  const names = ['few', 'leaf', 'node', 'large'] as const;
  for (const name of names) {
    writeFileSync(inside(`attributes-${name}`), name);
  }
  setAttributes(inside('attributes-few'), {
    'user.note': Buffer.from('some text'),
    'user.empty': Buffer.alloc(0),
    'trusted.note': Buffer.from('by root'),
    'security.capability': Buffer.from('0100000200040000000000000000000000000000', 'hex'),
  });
  setAttributes(inside('attributes-leaf'), {
    'user.one': noise(200),
    'user.two': noise(90, 2),
    'user.three': noise(150, 3),
  });
  setAttributes(
    inside('attributes-node'),
    Object.fromEntries(
      Array.from({ length: 800 }, (_, index) => [`user.${'a'.repeat(40)}${index}`, noise(index, index + 1)]),
    ),
  );
  setAttributes(inside('attributes-large'), {
    'user.large': noise(65_536),
    'user.larger': noise(65_535, 2),
    'user.middle': noise(5000, 3),
  });
  setAttributes(inside('empty'), { 'user.directory': noise(3000) });
  execFileSync('setfacl', ['-m', 'u:1000:rwx,g:2000:r', inside('attributes-leaf')]);
  execFileSync('setfacl', ['-d', '-m', 'u:1000:rwx', inside('empty')]);
  execFileSync('setfattr', ['-h', '-n', 'trusted.link', '-v', 'of a link', inside('long-link')]);
}

/** By path below the mount, then by name: what getfattr tells, less the names under which XFS keeps the lists. */
function attributesOfMount(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const output = execFileSync('sh', ['-c', 'getfattr -P -R -h -d -m - -e hex . | cat', 'sh'], {
    cwd: mountPoint,
    maxBuffer: 64 * 1024 * 1024,
  }).toString('latin1');
  const found = new Map<string, ReadonlyMap<string, string>>();
  for (const paragraph of output.split('\n\n')) {
    const [first, ...lines] = paragraph.split('\n');
    if (first?.startsWith('# file: ') === true) {
      const pairs = lines.map((line) => {
        const equals = line.indexOf('=0x');
        return equals === -1
          ? ([line.replace(/=$/, ''), ''] as const)
          : ([line.slice(0, equals), line.slice(equals + 3)] as const);
      });
      const visible = pairs.filter(([name]) => name !== '' && !name.startsWith('trusted.SGI_ACL_'));
      found.set(first.slice(8), new Map(visible));
    }
  }
  return found;
}

interface Comparison {
  readonly filesystem: Filesystem;
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Files, and attributes, that were compared: nobody shall compare nothing. */
  readonly counts: { files: number; attributes: number };
}

function typeOf(mode: bigint): string {
  const types: Readonly<Record<number, string>> = {
    0o01: 'fifo',
    0o02: 'character-device',
    0o04: 'directory',
    0o06: 'block-device',
    0o10: 'file',
    0o12: 'symlink',
    0o14: 'socket',
  };
  return types[Number(mode >> 12n)] ?? 'unknown';
}

function expectSame(comparison: Comparison, inode: number, path: Buffer, name: string): void {
  const { filesystem, attributes, counts } = comparison;
  const real = lstatSync(path, { bigint: true });
  const status = filesystem.status(inode);
  expect(
    {
      ...status,
      inode: BigInt(status.inode),
      device: status.device === undefined ? 0n : makeDevice(status.device),
    },
    name,
  ).toEqual({
    inode: real.ino,
    type: typeOf(real.mode),
    mode: Number(real.mode & 0o7777n),
    uid: Number(real.uid),
    gid: Number(real.gid),
    linkCount: Number(real.nlink),
    size: real.size,
    modifiedAt: real.mtimeNs,
    changedAt: real.ctimeNs,
    device: real.rdev,
  });
  const ours = [...filesystem.extendedAttributes(inode)].map(
    ([key, value]) => [key, Buffer.from(value).toString('hex')] as const,
  );
  expect(new Map(ours), name).toEqual(attributes.get(name) ?? new Map());
  counts.attributes += ours.length;
  counts.files += 1;
  if (status.type === 'directory') {
    const entries = filesystem.readDirectory(inode);
    const names = readdirSync(path, { encoding: 'buffer' });
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(entries.map((entry) => hex(entry.nameBytes)).toSorted()).toEqual(names.map(hex).toSorted());
    for (const entry of entries) {
      const child = Buffer.concat([path, Buffer.from('/'), entry.nameBytes]);
      const childName = name === '.' ? entry.name : `${name}/${entry.name}`;
      expectSame(comparison, entry.inode, child, childName);
    }
  } else if (status.type === 'symlink') {
    expect(filesystem.readLink(inode)).toBe(readlinkSync(path, 'utf8'));
  } else if (status.type === 'file') {
    expectSameContent(filesystem, inode, path);
  }
}

/** As glibc's makedev does for numbers of this size. */
function makeDevice({ major, minor }: { readonly major: number; readonly minor: number }): bigint {
  const low = (minor & 0xff) | ((major & 0xfff) << 8);
  return (BigInt(minor & ~0xff) << 12n) | BigInt(low);
}

function expectSameContent(filesystem: Filesystem, inode: number, path: Buffer): void {
  const file = filesystem.openFile(inode);
  const real = Number(file.size) <= 100_000_000 ? readFileSync(path) : readStart(path, 100_000_000);
  expect(readBytes(file, 0n, real.length).equals(real), path.toString()).toBe(true);
  if (file.size > 5_000_000_000n) {
    const end = readBytes(file, 5_000_000_000n, 9000);
    expect(end.equals(noise(9000))).toBe(true);
    expect(readBytes(file, file.size - 10n, 10).equals(Buffer.alloc(10))).toBe(true);
  }
}

function readStart(path: Buffer, length: number): Buffer {
  return execFileSync('head', ['-c', String(length), path.toString()], { maxBuffer: length + 1 });
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

/** Asks xfs_db for fields: `inode 128` and `core.format`, for example. */
function field(image: string, command: string, name: string): string {
  const output = execFileSync('xfs_db', ['-r', '-c', command, '-c', `print ${name}`, image]).toString();
  return output.slice(output.indexOf('=') + 1).trim();
}

function expectAsKernelReads(image: string): Comparison['counts'] {
  const counts = { files: 0, attributes: 0 };
  withFilesystem(image, (filesystem) => {
    expect(filesystem.clean).toBe(true);
    expect(filesystem.gaps).toEqual([]);
    mounted(image, 'ro', () => {
      const comparison = { filesystem, attributes: attributesOfMount(), counts };
      expectSame(comparison, filesystem.rootInode, Buffer.from(mountPoint), '.');
      expectSameSpace(filesystem);
    });
  });
  return counts;
}

/** A mount takes something from what is free, for its own emergencies: less than a tenth. */
function expectSameSpace(filesystem: Filesystem): void {
  const real = statfsSync(mountPoint, { bigint: true });
  const free = real.bfree * real.bsize;
  expect(filesystem.freeBytes).toBeGreaterThanOrEqual(free);
  expect(filesystem.freeBytes - free).toBeLessThan(filesystem.totalBytes / 10n);
  expect(filesystem.freeInodes).toBeGreaterThanOrEqual(real.ffree);
  expect(filesystem.freeInodes - real.ffree).toBeLessThan(filesystem.totalBytes / 10n / 512n);
}

interface Layout {
  readonly what: string;
  readonly parameters: readonly string[];
  readonly blockSize?: number;
  readonly reflink?: boolean;
  /** After it was filled. */
  readonly afterwards?: (image: string) => void;
}

const layouts: readonly Layout[] = [
  { what: 'as mkfs.xfs makes it', parameters: [] },
  { what: 'blocks of 1 KiB', parameters: ['-b', 'size=1024'], blockSize: 1024 },
  { what: 'blocks of 64 KiB', parameters: ['-b', 'size=65536'], blockSize: 65_536 },
  {
    what: 'directory blocks of 16 KiB, inodes of 1 KiB, sectors of 4 KiB',
    parameters: ['-n', 'size=16384', '-i', 'size=1024', '-s', 'size=4096'],
  },
  {
    what: 'directory blocks of 8 KiB over blocks of 1 KiB, inodes of 512 bytes',
    parameters: ['-b', 'size=1024', '-n', 'size=8192', '-i', 'size=512'],
    blockSize: 1024,
  },
  { what: 'large extent counters', parameters: ['-i', 'nrext64=1'] },
  {
    what: 'small times, no shared extents, whole chunks of inodes',
    parameters: ['-m', 'bigtime=0,reflink=0,finobt=0,rmapbt=0', '-i', 'sparse=0,nrext64=0'],
    reflink: false,
  },
  {
    what: 'another UUID than its metadata',
    parameters: [],
    afterwards: (image) => {
      execFileSync('xfs_admin', ['-U', '11111111-2222-4333-8444-55555555abcd', image], { stdio: 'pipe' });
    },
  },
  {
    what: 'many small groups',
    parameters: ['-d', 'agcount=12', '-b', 'size=1024', '-l', 'size=64m'],
    blockSize: 1024,
  },
];

describe('reads what the kernel reads', () => {
  for (const { what, parameters, blockSize = 4096, reflink = true, afterwards } of layouts) {
    test(`layout: ${what}`, () => {
      const image = join(folder, 'image');
      truncateSync(openNew(image), 1024 ** 3);
      execFileSync('mkfs.xfs', ['-q', '-f', ...parameters, image], { stdio: 'pipe' });
      let fragmented = 0n;
      let tree = 0n;
      mounted(image, 'rw', () => {
        fill({ blockSize, reflink });
        fragmented = lstatSync(inside('fragmented'), { bigint: true }).ino;
        tree = lstatSync(inside('tree'), { bigint: true }).ino;
      });
      afterwards?.(image);
      expect(field(image, `inode ${fragmented}`, 'core.format')).toBe('3 (btree)');
      if (blockSize === 1024 && !parameters.includes('size=8192')) {
        expect(field(image, `inode ${tree}`, 'core.format')).toBe('3 (btree)');
      }
      const counts = expectAsKernelReads(image);
      expect(counts.files).toBeGreaterThan(manyFiles - 4000 + 2000);
      expect(counts.attributes).toBeGreaterThan(800);
      rmSync(image);
    });
  }
});

function openNew(path: string): string {
  writeFileSync(path, '');
  return path;
}

/** Changes of all kinds, committed to the log and most of them not yet written to their places. */
function change(): void {
  fillDirectory('directory', 700, 60, 'content');
  fillDirectory('removed', 300, 90);
  synced('removed');
  rmSync(inside('removed'), { recursive: true });
  writeFileSync(inside('reused'), noise(600_000));
  synced('reused');
  symlinkSync('l'.repeat(900), inside('long-link'));
  symlinkSync('short', inside('short-link'));
  renameSync(inside('directory', '1-'.padEnd(60, 'n')), inside('moved'));
  writeFragmented(inside('fragmented'), 600, 4096);
  fillAttributes();
  execFileSync('mknod', [inside('node'), 'b', '300', '70000']);
  chownSync(inside('node'), 4_000_000_000, 70_000);
  truncateSync(inside('reused'), 123_457);
  utimesSync(inside('short-target'), 1, 4_294_967_296.5);
  for (let index = 0; index < 300; index += 2) {
    rmSync(inside('directory', `${index}-`.padEnd(60, 'n')));
  }
  mkdirSync(inside('empty', 'inner'));
}

function synced(...path: readonly string[]): void {
  const descriptor = openSync(inside(...path), 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

interface Interruption {
  readonly what: string;
  readonly parameters: readonly string[];
  /** `synced`: all is in the log. `cut`: the power fails in the midst of changes. */
  readonly end: 'synced' | 'cut';
}

const interruptions: readonly Interruption[] = [
  { what: 'as mkfs.xfs makes it', parameters: [], end: 'synced' },
  { what: 'power cut', parameters: [], end: 'cut' },
  { what: 'blocks of 1 KiB', parameters: ['-b', 'size=1024'], end: 'synced' },
  { what: 'small times, large inodes', parameters: ['-m', 'bigtime=0', '-i', 'size=1024'], end: 'synced' },
  { what: 'large extent counters', parameters: ['-i', 'nrext64=1'], end: 'synced' },
  { what: 'a log in units of 32 KiB', parameters: ['-l', 'su=32768'], end: 'synced' },
  { what: 'directory blocks of 16 KiB', parameters: ['-n', 'size=16384'], end: 'synced' },
  { what: 'no sparse inodes, reverse map', parameters: ['-i', 'sparse=0', '-m', 'rmapbt=1'], end: 'synced' },
];

describe('reads an interrupted filesystem as the kernel does once it has replayed the log', () => {
  for (const { what, parameters, end } of interruptions) {
    test(`after: ${what}`, () => {
      const image = join(folder, 'interrupted');
      const dirty = join(folder, 'dirty');
      truncateSync(openNew(image), 512 * 1024 ** 2);
      execFileSync('mkfs.xfs', ['-q', '-f', ...parameters, image], { stdio: 'pipe' });
      mounted(image, 'rw', () => {
        mkdirSync(inside('empty'));
        writeFileSync(inside('long-before'), noise(5000));
        writeFileSync(inside('short-target'), '');
        symlinkSync('x', inside('link-before'));
        execFileSync('sync', ['-f', mountPoint]);
        change();
        if (end === 'synced') {
          synced('empty');
          execFileSync('sync', ['-f', mountPoint]);
        }
        copyFileSync(image, dirty);
      });
      rmSync(image);
      expectAsReplayed(dirty, end === 'synced');
      rmSync(dirty);
    });
  }
});

function expectAsReplayed(dirty: string, isComplete: boolean): void {
  const replayed = `${dirty}-replayed`;
  copyFileSync(dirty, replayed);
  const counts = { files: 0, attributes: 0 };
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.clean).toBe(false);
    expect(filesystem.gaps).toEqual([]);
    mounted(replayed, 'rw,noatime', () => {
      const comparison = { filesystem, attributes: attributesOfMount(), counts };
      expectSame(comparison, filesystem.rootInode, Buffer.from(mountPoint), '.');
      expectSameSpace(filesystem);
    });
  });
  if (isComplete) {
    expect(counts.files).toBeGreaterThan(550);
    expect(counts.attributes).toBeGreaterThan(800);
  }
  withFilesystem(replayed, (filesystem) => {
    expect(filesystem.clean).toBe(true);
    expect(filesystem.gaps).toEqual([]);
  });
  rmSync(replayed);
}

test('replays a log that has gone round', () => {
  const image = join(folder, 'round');
  const dirty = join(folder, 'dirty');
  truncateSync(openNew(image), 64 * 1024 ** 2);
  execFileSync('mkfs.xfs', ['--unsupported', '-q', '-f', '-d', 'agcount=2', image], { stdio: 'pipe' });
  const cycles = new Set<number>();
  mounted(image, 'rw,wsync', () => {
    for (let round = 0; round < 6; round += 1) {
      fillDirectory(`round-${round}`, 300 + round * 37, 200);
      cycles.add(firstCycle(image));
      if (round > 0) {
        rmSync(inside(`round-${round - 1}`), { recursive: true });
      }
      execFileSync('sync', ['-f', mountPoint]);
      copyFileSync(image, dirty);
      expectKernelShows(dirty, round);
    }
  });
  expect(cycles.size).toBeGreaterThan(1);
});

test('does not put logged blocks over content that took their place', () => {
  const image = join(folder, 'reused');
  const dirty = join(folder, 'dirty');
  truncateSync(openNew(image), 64 * 1024 ** 2);
  execFileSync('mkfs.xfs', ['--unsupported', '-q', '-f', '-d', 'agcount=2', image], { stdio: 'pipe' });
  mounted(image, 'rw', () => {
    fillDirectory('removed', 1500, 200);
    synced('removed');
    rmSync(inside('removed'), { recursive: true });
    synced();
    // The filesystem is full only when the blocks of the directory and of its inodes are used again.
    execFileSync(
      'sh',
      ['-c', 'yes content | dd bs=4096 iflag=fullblock of="$1" conv=fsync || true', 'sh', inside('reused')],
      {
        stdio: 'pipe',
      },
    );
    copyFileSync(image, dirty);
  });
  expectAsReplayed(dirty, false);
});

/** As a second filesystem with the same UUID, next to the one that is mounted. */
function expectKernelShows(dirty: string, round: number): void {
  const replayed = `${dirty}-replayed`;
  const second = join(folder, 'second');
  copyFileSync(dirty, replayed);
  mkdirSync(second);
  withFilesystem(dirty, (filesystem) => {
    expect(filesystem.gaps).toEqual([]);
    execFileSync('mount', ['-t', 'xfs', '-o', 'loop,nouuid,noatime', replayed, second], { stdio: 'pipe' });
    try {
      const comparison = { filesystem, attributes: new Map(), counts: { files: 0, attributes: 0 } };
      expectSame(comparison, filesystem.rootInode, Buffer.from(second), '.');
      expect(comparison.counts.files).toBe(302 + round * 37);
    } finally {
      execFileSync('umount', [second]);
    }
  });
  rmSync(replayed);
  rmSync(second, { recursive: true });
}

test('a damaged log ends in a gap or in an error of ours', () => {
  const image = join(folder, 'damaged');
  const dirty = join(folder, 'dirty');
  truncateSync(openNew(image), 64 * 1024 ** 2);
  execFileSync('mkfs.xfs', ['--unsupported', '-q', '-f', '-d', 'agcount=2', image], { stdio: 'pipe' });
  mounted(image, 'rw', () => {
    fillDirectory('directory', 40, 60, 'content');
    mkdirSync(inside('removed'));
    synced('removed');
    rmSync(inside('removed'), { recursive: true });
    writeFragmented(inside('fragmented'), 80, 4096);
    setAttributes(inside('fragmented'), { 'user.large': noise(3000), 'user.small': noise(10) });
    execFileSync('sync', ['-f', mountPoint]);
    copyFileSync(image, dirty);
  });
  const [start, blocks] = logPlace(dirty);
  const bytes = readFileSync(dirty);
  const log = bytes.subarray(start, start + blocks * 4096);
  const used = [...log.keys()].filter((at) => log[at] !== 0);
  expect(used.length).toBeGreaterThan(5000);
  const outcomes = { replayed: 0, gap: 0 };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (flips, isMended) => {
        const before = Buffer.from(log);
        for (const [choice, value] of flips) {
          const at = used[choice % used.length] as number;
          log[at] = value;
          if (isMended) {
            mendRecord(log, at);
          }
        }
        try {
          const filesystem = xfs.open?.(memorySource(bytes)) as Filesystem;
          outcomes[filesystem.gaps.length === 0 ? 'replayed' : 'gap'] += 1;
          for (const { inode } of filesystem.readDirectory(filesystem.rootInode)) {
            filesystem.extendedAttributes(inode);
          }
        } catch (error) {
          // About one in two hundred: the log replays, and what it wrote is not a directory.
          expect(error).toBeInstanceOf(ColdpatchError);
        }
        before.copy(log);
      },
    ),
    { numRuns: 400 },
  );
  expect(Math.min(outcomes.replayed, outcomes.gap)).toBeGreaterThan(0);
});

/** Makes the checksum of the record around byte `at` of the log right again. */
function mendRecord(log: Buffer, at: number): void {
  let start = Math.floor(at / 512) * 512;
  while (start > 0 && log.readUInt32BE(start) !== 0xfeedbabe) {
    start -= 512;
  }
  const length = log.readUInt32BE(start + 12);
  const headers = Math.max(1, Math.ceil(log.readUInt32BE(start + 320) / 32_768));
  const content = start + headers * 512;
  if (headers > 1 || content + length > log.length) {
    return;
  }
  log.fill(0, start + 32, start + 36);
  const sum = crc32c(crc32c(0xffffffff, log, start, start + 328), log, content, content + length);
  log.writeUInt32LE(~sum >>> 0, start + 32);
}

test('finds the end of a log that has gone round', () => {
  const image = join(folder, 'round');
  truncateSync(openNew(image), 64 * 1024 ** 2);
  // Without --unsupported it makes no log this small.
  execFileSync('mkfs.xfs', ['--unsupported', '-q', '-f', '-d', 'agcount=2', image], { stdio: 'pipe' });
  const cycles = new Set<number>();
  for (let round = 0; round < 5; round += 1) {
    mounted(image, 'rw,wsync', () => {
      fillDirectory(`round-${round}`, 150 + round * 37, 200);
      execFileSync('sync', ['-f', mountPoint]);
      rmSync(inside(`round-${round}`), { recursive: true });
    });
    withFilesystem(image, ({ clean }) => expect(clean, `round ${round}`).toBe(true));
    cycles.add(firstCycle(image));
  }
  expect(cycles.size).toBeGreaterThan(1);
});

/** First byte, and number of blocks of 4 KiB. */
function logPlace(image: string): readonly [start: number, blocks: number] {
  const [start, groupBlocks, bits, blocks] = ['logstart', 'agblocks', 'agblklog', 'logblocks'].map((name) =>
    Number(field(image, 'sb 0', name)),
  ) as [number, number, number, number];
  return [(Math.floor(start / 2 ** bits) * groupBlocks + (start % 2 ** bits)) * 4096, blocks];
}

/** The round in which the first block of the log was written. */
function firstCycle(image: string): number {
  const bytes = Buffer.alloc(8);
  const descriptor = openSync(image, 'r');
  readSync(descriptor, bytes, 0, 8, logPlace(image)[0]);
  closeSync(descriptor);
  const first = bytes.readUInt32BE(0);
  return first === 0xfeedbabe ? bytes.readUInt32BE(4) : first;
}

describe('reads version 4, which this kernel may not mount, as mkfs.xfs was told to make it', () => {
  for (const parameters of [
    ['-b', 'size=512'],
    ['-n', 'ftype=0', '-b', 'size=1024', '-i', 'size=256'],
    ['-n', 'size=16384'],
  ]) {
    test(`mkfs.xfs -m crc=0 ${parameters.join(' ')}`, () => {
      const image = join(folder, 'old');
      const content = join(folder, 'content');
      const prototype = join(folder, 'prototype');
      writeFileSync(content, noise(700));
      const names = Array.from({ length: manyFiles }, (_, index) => `${index}-`.padEnd(40, 'n'));
      const files = names.map((name) => `${name} ---640 7 8 ${content}`).join('\n');
      writeFileSync(prototype, `/dev/null\n0 0\nd--755 0 0\nmany d--755 0 0\n${files}\n$\n$\n`);
      truncateSync(openNew(image), 400 * 1024 ** 2);
      execFileSync('mkfs.xfs', ['-q', '-f', '-m', 'crc=0', ...parameters, '-p', prototype, image], {
        stdio: 'pipe',
      });
      withFilesystem(image, (filesystem) => {
        const [many] = filesystem.readDirectory(filesystem.rootInode);
        if (parameters.includes('size=512')) {
          expect(field(image, `inode ${many?.inode}`, 'core.format')).toBe('3 (btree)');
        }
        const entries = filesystem.readDirectory(many?.inode ?? 0);
        expect(entries.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
        for (const { inode } of entries) {
          const file = filesystem.openFile(inode);
          expect(readBytes(file, 0n, Number(file.size)).equals(noise(700))).toBe(true);
        }
      });
      expect(execFileSync('xfs_repair', ['-n', image], { stdio: 'pipe' })).toBeDefined();
      rmSync(image);
    });
  }
});
