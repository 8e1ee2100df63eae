import { visitInode } from '../src/disk/fixtures/visit-inode.ts';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
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
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { ntfs } from '../src/disk/filesystems/ntfs/index.ts';
import type { Filesystem } from '../src/disk/filesystems/types.ts';
import { memorySource } from '../src/disk/memory-source.ts';
import { openImage } from '../src/disk/open-image.ts';
import { type ByteSource, readBytes } from '../src/lib/byte-source.ts';
import { ColdpatchError } from '../src/lib/errors.ts';

/** Volumes that ntfs-3g wrote, and ntfs-3g's own reading as the judge. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-ntfs-'));
const mountPoint = join(folder, 'mount');
mkdirSync(mountPoint);
afterAll(() => rmSync(folder, { recursive: true }));

function inside(...path: readonly string[]): string {
  return join(mountPoint, ...path);
}

function isMounted(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountPoint} `);
}

/** Runs `work` while the volume in `image` is mounted; its driver has ended when this has. */
async function mounted(image: string, options: string, work: () => void): Promise<void> {
  const parameters = ['-o', `no_detach,${options}`, image, mountPoint];
  // A pipe would fill up while the work below keeps this process from reading it.
  const complaints = openSync(join(folder, 'complaints'), 'w');
  const driver = spawn('ntfs-3g', parameters, { stdio: ['ignore', 'ignore', complaints] });
  closeSync(complaints);
  const ended = once(driver, 'exit');
  while (!isMounted()) {
    expect(driver.exitCode, readFileSync(join(folder, 'complaints'), 'utf8')).toBeNull();
    await sleep(10);
  }
  try {
    work();
  } finally {
    execFileSync('umount', [mountPoint]);
    await ended;
  }
}

function make(name: string, size: string, parameters: readonly string[]): string {
  const image = join(folder, name);
  rmSync(image, { force: true });
  execFileSync('truncate', ['-s', size, image]);
  execFileSync('mkntfs', ['-F', '-Q', '-q', ...parameters, image], { stdio: 'pipe' });
  return image;
}

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = 12_345; at < length; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

function prose(length: number): Buffer {
  const lines = Array.from({ length: length / 16 }, (_, line) => `line ${line} of ${line % 97} and more\r\n`);
  return Buffer.from(lines.join('')).subarray(0, length);
}

function setAttribute(path: string, name: string, value: Buffer): void {
  execFileSync('setfattr', ['-h', '-n', name, '-v', `0x${value.toString('hex')}`, path]);
}

function reparsePoint(tag: number, target: string, flags: number | undefined): Buffer {
  const name = Buffer.from(target, 'utf16le');
  const fields = Buffer.alloc(flags === undefined ? 8 : 12);
  fields.writeUInt16LE(name.length, 2);
  fields.writeUInt16LE(name.length + 2, 4);
  if (flags !== undefined) {
    fields.writeUInt32LE(flags, 8);
  }
  const data = Buffer.concat([fields, name, Buffer.alloc(4)]);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(tag, 0);
  header.writeUInt16LE(data.length, 4);
  return Buffer.concat([header, data]);
}

/** Writes `pieces` at their offsets, and leaves holes between them. */
function writeSparse(path: string, pieces: readonly (readonly [offset: number, bytes: Buffer])[]): void {
  const file = openSync(path, 'w');
  for (const [offset, bytes] of pieces) {
    writeSync(file, bytes, 0, bytes.length, offset);
  }
  closeSync(file);
}

/** Files of every kind that ntfs-3g writes. */
function populate(): void {
  mkdirSync(inside('deep', 'deeper'), { recursive: true });
  mkdirSync(inside('many'));
  mkdirSync(inside('packed'));
  writeFileSync(inside('empty'), '');
  writeFileSync(inside('tiny'), 'fits into the record');
  writeFileSync(inside('deep', 'deeper', 'large'), noise(700_001));
  writeFileSync(inside('deep', 'näme with späces — 漢字 😀'), 'unicode');
  linkSync(inside('tiny'), inside('deep', 'another name'));
  writeSparse(inside('sparse'), [
    [0, noise(3000)],
    [1_000_000, noise(100)],
    [2_500_000, noise(5000)],
  ]);
  writeSparse(inside('hole first'), [[800_000, noise(70_000)]]);
  writeFileSync(inside('hole last'), noise(5000));
  truncateSync(inside('hole last'), 900_000);
  for (let index = 0; index < 300; index += 1) {
    writeFileSync(inside('many', `a file with a rather long name, number ${index}.txt`), `${index}`);
  }
  setAttribute(inside('packed'), 'system.ntfs_attrib_be', Buffer.from('00000810', 'hex'));
  utimesSync(inside('tiny'), 1_000_000_000.25, 2_000_000_000.5);
  utimesSync(inside('empty'), 1, 1);
  execFileSync('mkfifo', [inside('pipe')]);
  execFileSync('mknod', [inside('null'), 'c', '1', '3']);
  execFileSync('mknod', [inside('disk'), 'b', '8', '1']);
  symlinkSync('../tiny', inside('deep', 'link'));
  symlinkSync('ein/lönger/link/'.repeat(20), inside('deep', 'long link'));
}

function populateCompressed(): void {
  const text = prose(600_000);
  writeFileSync(inside('packed', 'text'), text);
  writeFileSync(inside('packed', 'noise'), noise(300_000));
  writeFileSync(inside('packed', 'zeros'), Buffer.alloc(500_000));
  writeFileSync(inside('packed', 'short'), text.subarray(0, 5000));
  writeFileSync(inside('packed', 'one unit'), text.subarray(0, 65_536));
  writeFileSync(inside('packed', 'mixed'), Buffer.concat([text.subarray(0, 100_000), noise(150_000), text]));
  writeSparse(inside('packed', 'holes'), [
    [0, text.subarray(0, 1000)],
    [1_000_000, text.subarray(0, 80_000)],
  ]);
  for (let round = 0; round < 40; round += 1) {
    appendFileSync(inside('packed', 'appended'), text.subarray(round * 1000, round * 1000 + 7777));
  }
}

/** Counts reads, so that "lazily" and "bounded" are facts. */
function counted(bytes: Buffer): { readonly source: ByteSource; readonly count: () => number } {
  const inner = memorySource(bytes);
  let reads = 0;
  return {
    source: {
      size: inner.size,
      read(offset, into) {
        reads += 1;
        inner.read(offset, into);
      },
    },
    count: () => reads,
  };
}

function withFilesystem(image: string, work: (filesystem: Filesystem) => void): void {
  const opened = openImage({ path: image, format: 'raw' });
  try {
    expect(opened.volumes[0]?.filesystem, JSON.stringify(opened.gaps)).toBeDefined();
    expect(opened.volumes[0]?.content?.format).toBe('ntfs');
    work(opened.volumes[0]?.filesystem as Filesystem);
  } finally {
    opened.close();
  }
}

function find(filesystem: Filesystem, ...path: readonly string[]): number {
  return path.reduce((inode, part) => {
    const entry = filesystem.readDirectory(inode).find(({ name }) => name === part);
    expect(entry, path.join('/')).toBeDefined();
    return entry?.inode ?? 0;
  }, filesystem.rootInode);
}

function contentOf(filesystem: Filesystem, inode: number): Buffer {
  const file = filesystem.openFile(inode);
  return readBytes(file, 0n, Number(file.size));
}

/** What we read is what ntfs-3g reads. Returns the number of files. */
function expectSameTree(filesystem: Filesystem, inode: number, path: string): number {
  const entries = filesystem.readDirectory(inode);
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(path).toSorted());
  let files = 0;
  for (const entry of entries) {
    const child = join(path, entry.name);
    const real = lstatSync(child, { bigint: true });
    const status = filesystem.status(entry.inode);
    expect([child, BigInt(entry.inode), status.modifiedAt, status.changedAt]).toEqual([
      child,
      real.ino,
      real.mtimeNs,
      real.ctimeNs,
    ]);
    expect(entry.nameBytes).toEqual(Buffer.from(entry.name));
    if (status.type === 'directory') {
      expect(real.isDirectory()).toBe(true);
      files += expectSameTree(filesystem, entry.inode, child);
      continue;
    }
    expect([child, status.size, BigInt(status.linkCount)]).toEqual([child, real.size, real.nlink]);
    files += 1;
    if (status.type === 'symlink') {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else if (status.type === 'file') {
      expect([child, real.isFile()]).toEqual([child, true]);
      expect(contentOf(filesystem, entry.inode).equals(readFileSync(child)), child).toBe(true);
    } else {
      expect(['fifo', 'character-device', 'block-device']).toContain(status.type);
      expect([real.isFIFO(), real.isCharacterDevice(), real.isBlockDevice()]).toEqual([
        status.type === 'fifo',
        status.type === 'character-device',
        status.type === 'block-device',
      ]);
    }
  }
  return files;
}

async function expectAsDriverReads(image: string, least: number): Promise<void> {
  await mounted(image, 'ro', () => {
    withFilesystem(image, (filesystem) => {
      expect(expectSameTree(filesystem, filesystem.rootInode, mountPoint)).toBeGreaterThanOrEqual(least);
      const { bsize, bfree } = statfsSync(mountPoint, { bigint: true });
      expect(filesystem.freeBytes).toBe(bsize * bfree);
      expect(filesystem.gaps).toEqual([]);
      expect(filesystem.clean).toBe(true);
    });
  });
}

const layouts: readonly (readonly [title: string, parameters: readonly string[]])[] = [
  ['in the usual way', []],
  ['with clusters of 512 bytes', ['-c', '512']],
  ['with clusters of 1 KiB', ['-c', '1024']],
  ['with clusters of 64 KiB', ['-c', '65536']],
  ['with clusters of 256 KiB', ['-c', '262144']],
  ['with sectors of 4 KiB', ['-s', '4096']],
];

describe('a volume is read as ntfs-3g reads it', () => {
  for (const [what, parameters] of layouts) {
    test(`made ${what}`, async () => {
      const image = make('layout', '192M', parameters);
      await mounted(image, 'special_files=wsl', populate);
      const canCompress = !parameters.some((value) => Number(value) > 4096);
      if (canCompress) {
        await mounted(image, 'compression', populateCompressed);
      }
      await expectAsDriverReads(image, canCompress ? 321 : 313);
    });
  }
});

test('compressed files are in fact compressed', async () => {
  const image = make('packed', '64M', []);
  await mounted(image, 'special_files=wsl', populate);
  await mounted(image, 'compression', () => {
    populateCompressed();
    expect(lstatSync(inside('packed', 'text')).blocks * 512).toBeLessThan(400_000);
  });
});

test('a directory of 5000 names', async () => {
  const image = make('names', '64M', []);
  await mounted(image, 'rw', () => {
    mkdirSync(inside('names'));
    for (let index = 0; index < 5000; index += 1) {
      writeFileSync(inside('names', `name-${index}-${'n'.repeat(index % 90)}`), '');
    }
    for (let index = 0; index < 5000; index += 3) {
      rmSync(inside('names', `name-${index}-${'n'.repeat(index % 90)}`));
    }
    for (let index = 0; index < 1700; index += 1) {
      writeFileSync(inside('names', `later-${index}`), '');
    }
  });
  await expectAsDriverReads(image, 5000);
});

/** Makes files until the volume is full. */
function fill(directory: string, content: Buffer): void {
  for (let index = 0; index < 20_000; index += 1) {
    try {
      writeFileSync(inside(directory, `${index}`), content);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
      return;
    }
  }
}

test('files in thousands of pieces, and $MFT itself in many', async () => {
  const image = make('pieces', '16M', ['-c', '512']);
  await mounted(image, 'rw', () => {
    // Every second cluster first, and some of the rest from the end on.
    const content = noise(512);
    const first = Array.from({ length: 2500 }, (_, index) => [index * 1024, content] as const);
    const second = first.slice(1000).map(([offset]) => [offset - 512, content] as const);
    writeSparse(inside('scattered'), [...first, ...second.toReversed()]);
    mkdirSync(inside('filler'));
    fill('filler', noise(1000));
    const fillers = readdirSync(inside('filler'));
    expect(fillers.length).toBeGreaterThan(3000);
    for (const name of fillers.filter((number) => Number(number) % 2 === 0)) {
      rmSync(inside('filler', name));
    }
    mkdirSync(inside('small'));
    fill('small', Buffer.from('small'));
  });
  const partsOf = (inode: number): number => {
    const listing = execFileSync('ntfsinfo', ['-f', '-i', `${inode}`, '-v', image], { stdio: 'pipe' });
    return listing.toString().split('Dumping attribute $DATA').length - 1;
  };
  expect(partsOf(0)).toBeGreaterThan(1);
  withFilesystem(image, (filesystem) => {
    expect(partsOf(find(filesystem, 'scattered'))).toBeGreaterThan(3);
  });
  await expectAsDriverReads(image, 4000);
});

test('links and junctions of Windows', async () => {
  const image = make('links', '16M', []);
  const points: readonly (readonly [name: string, tag: number, stored: string, flags?: number])[] = [
    ['junction', 0xa0000003, '\\??\\C:\\Users\\Somebody'],
    ['volume', 0xa0000003, '\\??\\Volume{00000000-1111-2222-3333-444444444444}\\'],
    ['absolute', 0xa000000c, '\\??\\C:\\Windows\\win.ini', 0],
    ['share', 0xa000000c, '\\??\\UNC\\server\\share', 0],
    ['relative', 0xa000000c, '..\\target', 1],
    ['rooted', 0xa000000c, '\\tiny', 1],
  ];
  await mounted(image, 'rw', () => {
    mkdirSync(inside('target'));
    mkdirSync(inside('links'));
    for (const [name, tag, stored, flags] of points) {
      mkdirSync(inside('links', name));
      setAttribute(inside('links', name), 'system.ntfs_reparse_data', reparsePoint(tag, stored, flags));
    }
  });
  await mounted(image, 'ro', () => {
    withFilesystem(image, (filesystem) => {
      const link = (name: string): string => {
        expect(lstatSync(inside('links', name)).isSymbolicLink()).toBe(true);
        const inode = find(filesystem, 'links', name);
        expect(filesystem.status(inode)).toMatchObject({ type: 'symlink', mode: 0o777 });
        return filesystem.readLink(inode);
      };
      expect(link('relative')).toBe(readlinkSync(inside('links', 'relative')));
      expect(link('junction')).toBe('/C:/Users/Somebody');
      expect(link('volume')).toBe('/Volume{00000000-1111-2222-3333-444444444444}/');
      expect(link('absolute')).toBe('/C:/Windows/win.ini');
      expect(link('share')).toBe('/UNC/server/share');
      expect(link('rooted')).toBe('/tiny');
    });
  });
});

test('short names beside long ones are left out, and are no links of their own', async () => {
  const image = make('short', '16M', []);
  const names = Array.from({ length: 80 }, (_, index) => `a file with a rather long name ${index}.text`);
  await mounted(image, 'rw', () => {
    for (const [index, name] of names.entries()) {
      writeFileSync(inside(name), name);
      setAttribute(inside(name), 'system.ntfs_dos_name', Buffer.from(`AFILE~${index}.TEX`));
    }
    linkSync(inside(names[0] as string), inside('link'));
  });
  const raw = execFileSync('ntfsinfo', ['-f', '-v', '-F', names[1] as string, image]).toString();
  expect(raw).toContain('AFILE~1.TEX');
  withFilesystem(image, (filesystem) => {
    const entries = filesystem.readDirectory(filesystem.rootInode);
    expect(entries.map(({ name }) => name).toSorted()).toEqual([...names, 'link'].toSorted());
    expect(filesystem.status(find(filesystem, 'link')).linkCount).toBe(2);
    expect(filesystem.status(find(filesystem, names[1] as string)).linkCount).toBe(1);
  });
});

function taggedPoint(tag: number, fields: readonly number[]): Buffer {
  const point = Buffer.alloc(8 + fields.length * 4);
  point.writeUInt32LE(tag, 0);
  point.writeUInt16LE(fields.length * 4, 4);
  for (const [index, field] of fields.entries()) {
    point.writeUInt32LE(field, 8 + index * 4);
  }
  return point;
}

/** `content` as wimlib compresses it, in the layout that archives and CompactOS share. */
function compressed(content: Buffer, chunkBytes: number): Buffer {
  const [source, archive] = [join(folder, 'source'), join(folder, 'archive')];
  mkdirSync(source);
  writeFileSync(join(source, 'file'), content);
  const method = ['--compress=xpress', `--chunk-size=${chunkBytes}`];
  execFileSync('wimcapture', [source, archive, ...method, '--no-acls'], { stdio: 'pipe' });
  const bytes = readFileSync(archive);
  rmSync(source, { recursive: true });
  rmSync(archive);
  // A place is: bytes in the archive (7), flags (1), offset (8), bytes of content (8).
  const placeAt = (at: number) => ({
    stored: bytes.readUIntLE(at, 6),
    offset: Number(bytes.readBigUInt64LE(at + 8)),
    size: Number(bytes.readBigUInt64LE(at + 16)),
  });
  const table = placeAt(0x30);
  const places = Array.from({ length: table.size / 50 }, (_, index) => placeAt(table.offset + index * 50));
  const place = places.find(({ size }) => size === content.length);
  expect(place).toBeDefined();
  return bytes.subarray(place?.offset, (place?.offset ?? 0) + (place?.stored ?? 0));
}

test('files that CompactOS compressed by XPRESS', async () => {
  const image = make('compact', '32M', []);
  const contents: readonly (readonly [name: string, content: Buffer])[] = [
    ['text', prose(300_001)],
    ['mixed', Buffer.concat([prose(20_000), noise(30_000), Buffer.alloc(100_000), prose(50_000)])],
    ['program', readFileSync(process.execPath).subarray(0, 2_000_000)],
    ['short', prose(1000)],
  ];
  const methods = [
    [0, 4096],
    [2, 8192],
    [3, 16_384],
  ] as const;
  await mounted(image, 'streams_interface=windows', () => {
    for (const [name, content] of contents) {
      for (const [algorithm, chunkBytes] of methods) {
        const path = inside(`${name}-${chunkBytes}`);
        const stored = compressed(content, chunkBytes);
        expect(stored.length).toBeLessThan(content.length);
        writeFileSync(path, '');
        truncateSync(path, content.length);
        writeFileSync(`${path}:WofCompressedData`, stored);
        const point = taggedPoint(0x80000017, [1, 2, 1, algorithm]);
        setAttribute(path, 'system.ntfs_reparse_data', point);
      }
    }
  });
  withFilesystem(image, (filesystem) => {
    for (const [name, content] of contents) {
      for (const [, chunkBytes] of methods) {
        const inode = find(filesystem, `${name}-${chunkBytes}`);
        expect(filesystem.status(inode)).toMatchObject({ type: 'file', size: BigInt(content.length) });
        expect([name, chunkBytes, contentOf(filesystem, inode).equals(content)]).toEqual([
          name,
          chunkBytes,
          true,
        ]);
        const part = readBytes(filesystem.openFile(inode), 700n, 200);
        expect(part.equals(content.subarray(700, 900))).toBe(true);
      }
    }
  });
});

test('content that is not in the data is refused, not read as something else', async () => {
  const image = make('refused', '16M', []);
  await mounted(image, 'rw', () => {
    for (const [name, tag] of [
      ['compact', 0x80000017],
      ['deduplicated', 0x80000013],
      ['app', 0x8000001b],
      ['cloud', 0x9000301a],
    ] as const) {
      writeFileSync(inside(name), name === 'app' ? '' : 'placeholder');
      setAttribute(inside(name), 'system.ntfs_reparse_data', taggedPoint(tag, [1, 2, 1, 1]));
    }
  });
  withFilesystem(image, (filesystem) => {
    for (const [name, message] of [
      ['compact', 'CompactOS'],
      ['deduplicated', '0x80000013'],
    ] as const) {
      const inode = find(filesystem, name);
      expect(filesystem.status(inode)).toMatchObject({ type: 'file', size: 11n });
      expect(() => filesystem.openFile(inode)).toThrow(
        expect.objectContaining({
          code: 'filesystem_unsupported',
          message: expect.stringContaining(message),
        }),
      );
    }
    expect(filesystem.openFile(find(filesystem, 'app')).size).toBe(0n);
    expect(contentOf(filesystem, find(filesystem, 'cloud')).toString()).toBe('placeholder');
  });
});

test('the fingerprint changes with everything but the access time', async () => {
  const image = make('fingerprint', '16M', []);
  const fingerprint = (): string => {
    let value = '';
    withFilesystem(image, (filesystem) => {
      value = Buffer.from(filesystem.fingerprint(find(filesystem, 'file'))).toString('hex');
    });
    return value;
  };
  const after = async (work: () => void): Promise<string> => {
    await mounted(image, 'atime', work);
    return fingerprint();
  };
  const first = await after(() => {
    writeFileSync(inside('file'), noise(10_000));
    utimesSync(inside('file'), 1_000_000_000, 1_000_000_000);
  });
  const read = await after(() => {
    readFileSync(inside('file'));
    expect(lstatSync(inside('file')).atimeMs).toBeGreaterThan(1_100_000_000_000);
  });
  expect(read).toBe(first);
  const written = await after(() => appendFileSync(inside('file'), 'x'));
  expect(written).not.toBe(read);
  const linked = await after(() => linkSync(inside('file'), inside('other')));
  expect(linked).not.toBe(written);
});

test('a damaged boot sector or first record is replaced by its copy, and a gap says so', async () => {
  const image = make('copies', '16M', []);
  await mounted(image, 'rw', () => writeFileSync(inside('file'), noise(5000)));
  const sound = readFileSync(image);
  const mft = Number(sound.readBigUInt64LE(0x30)) * 4096;
  const cases = [
    [0, 512, 'boot sector'],
    [0x0b, 2, 'boot sector'],
    [mft, 4, '$MFT'],
  ] as const;
  for (const [place, length, where] of cases) {
    const bytes = Buffer.from(sound);
    bytes.fill(0, place, place + length);
    const damaged = join(folder, 'copies-damaged');
    writeFileSync(damaged, bytes);
    withFilesystem(damaged, (filesystem) => {
      expect(filesystem.gaps).toMatchObject([{ where, reason: 'corrupt' }]);
      expect(contentOf(filesystem, find(filesystem, 'file')).equals(noise(5000))).toBe(true);
    });
  }
});

test('ends with an error of ours, and soon, whatever the bytes are', async () => {
  const image = make('hostile', '8M', ['-c', '1024']);
  await mounted(image, 'special_files=wsl,streams_interface=windows', () => {
    writeFileSync(inside('compact'), '');
    truncateSync(inside('compact'), 20_000);
    writeFileSync(inside('compact:WofCompressedData'), compressed(prose(20_000), 4096));
    setAttribute(inside('compact'), 'system.ntfs_reparse_data', taggedPoint(0x80000017, [1, 2, 1, 0]));
    mkdirSync(inside('packed'));
    setAttribute(inside('packed'), 'system.ntfs_attrib_be', Buffer.from('00000810', 'hex'));
    mkdirSync(inside('many'));
    for (let index = 0; index < 60; index += 1) {
      writeFileSync(inside('many', `a file with a rather long name, number ${index}.txt`), noise(1500));
    }
    for (let index = 0; index < 60; index += 2) {
      rmSync(inside('many', `a file with a rather long name, number ${index}.txt`));
    }
    symlinkSync('somewhere', inside('link'));
    mkdirSync(inside('junction'));
    const point = reparsePoint(0xa0000003, '\\??\\C:\\Users', undefined);
    setAttribute(inside('junction'), 'system.ntfs_reparse_data', point);
    for (let index = 0; index < 30; index += 1) {
      linkSync(
        inside('many', 'a file with a rather long name, number 1.txt'),
        inside(`link number ${index}`),
      );
    }
    writeSparse(inside('sparse'), [[50_000, noise(3000)]]);
  });
  await mounted(image, 'compression', () => writeFileSync(inside('packed', 'text'), prose(50_000)));
  const bytes = readFileSync(image);
  const mft = Number(bytes.readBigUInt64LE(0x30)) * 1024;
  const boot = Array.from({ length: 80 }, (_, at) => at);
  const records = [...bytes.subarray(0, mft + 200_000).keys()].filter((at) => at >= mft && bytes[at] !== 0);
  const rest = [...bytes.keys()].filter((at) => bytes[at] !== 0 && bytes[at] !== 0xff && at > 512);
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(boot, records, records, rest),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.constantFrom(0, 0, 0, 1),
      (places, flips, cut) => {
        const damaged = Buffer.from(bytes);
        for (const [choice, value] of flips) {
          damaged[places[choice % places.length] as number] = value;
        }
        const { source, count } = counted(
          cut === 0 ? damaged : damaged.subarray(0, (flips[0]?.[0] ?? 0) % damaged.length),
        );
        try {
          walk(ntfs.open?.(source) as Filesystem);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
          refused += 1;
        }
        expect(count()).toBeLessThan(20_000);
      },
    ),
    { numRuns: 500 },
  );
  expect(refused).toBeGreaterThan(30);
});

function walk(filesystem: Filesystem): void {
  const left = [filesystem.rootInode, 0, 6];
  const seen = new Set<number>();
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(ColdpatchError);
    }
  };
  attempt(() => filesystem.freeBytes);
  attempt(() => filesystem.freeInodes);
  for (let inode = left.pop(); inode !== undefined && seen.size < 200; inode = left.pop()) {
    if (!seen.has(inode)) {
      seen.add(inode);
      const current = inode;
      attempt(() => visitInode(filesystem, current, left));
    }
  }
}
