import { visitInode } from '../../fixtures/visit-inode.ts';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { ext4 } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-ext4-'));
const tree = join(folder, 'tree');
const longLink = 'target/'.repeat(30);
const shortLink = 'short';
const manyFiles = 600;

beforeAll(() => {
  mkdirSync(join(tree, 'deep', 'deeper'), { recursive: true });
  mkdirSync(join(tree, 'many'));
  mkdirSync(join(tree, 'small'));
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'tiny'), 'fits into the inode');
  writeFileSync(join(tree, 'inline'), 'x'.repeat(140));
  writeFileSync(join(tree, 'deep', 'deeper', 'large'), noise(700_000));
  // It ends with data, because mke2fs with inline_data forgets a hole at the end.
  writeFileSync(join(tree, 'sparse'), noise(5000));
  truncateSync(join(tree, 'sparse'), 1_638_400 - 9000);
  appendFileSync(join(tree, 'sparse'), noise(9000));
  writeFileSync(join(tree, 'small', 'näme with späces'), 'unicode');
  symlinkSync(shortLink, join(tree, 'short-link'));
  symlinkSync(longLink, join(tree, 'long-link'));
  symlinkSync('m'.repeat(100), join(tree, 'middle-link'));
  for (let index = 0; index < manyFiles; index += 1) {
    writeFileSync(join(tree, 'many', `a-file-with-a-rather-long-name-number-${index}`), '');
  }
  utimesSync(join(tree, 'tiny'), 1_000_000_000.25, 2_000_000_000.5);
});
afterAll(() => rmSync(folder, { recursive: true }));

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = 12_345; at < length; at += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

interface MakeOptions {
  readonly size?: string;
  readonly source?: string;
  /** Commands for debugfs, once the filesystem is made. */
  readonly commands?: readonly string[];
  readonly hashTrees?: boolean;
}

/** The same commands make the same bytes, whatever the clock says. */
const timeless = { ...process.env, E2FSPROGS_FAKE_TIME: '2000000000' };

function make(name: string, parameters: readonly string[], options: MakeOptions = {}): Buffer {
  const path = join(folder, name);
  const source = options.source ?? tree;
  execFileSync('mke2fs', ['-q', '-F', ...parameters, '-d', source, path, options.size ?? '16M'], {
    stdio: 'pipe',
    env: timeless,
  });
  if (options.commands !== undefined) {
    debug(path, options.commands);
  }
  if (options.hashTrees === true) {
    // It ends with 1 when it changed something, which is what it is called for.
    execFileSync('sh', ['-c', 'e2fsck -fyD "$1" >&2 || [ $? = 1 ]', 'sh', path], { stdio: 'pipe' });
  }
  return readFileSync(path);
}

function debug(path: string, commands: readonly string[]): string {
  return execFileSync('debugfs', ['-w', path], {
    input: `${commands.join('\n')}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: timeless,
  }).toString();
}

function find(filesystem: Filesystem, path: string): number {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reduce((inode, part) => {
      const entry = filesystem.readDirectory(inode).find(({ name }) => name === part);
      expect(entry, path).toBeDefined();
      return entry?.inode ?? 0;
    }, filesystem.rootInode);
}

function contentOf(filesystem: Filesystem, inode: number): Buffer {
  const file = filesystem.openFile(inode);
  return readBytes(file, 0n, Number(file.size));
}

/** The tree of the filesystem is the tree it was made from. */
function expectSameTree(filesystem: Filesystem, inode: number, path: string): void {
  const entries = filesystem.readDirectory(inode).filter(({ name }) => name !== 'lost+found');
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(path).toSorted());
  for (const entry of entries) {
    const child = join(path, entry.name);
    const status = filesystem.status(entry.inode);
    if (status.type === 'directory') {
      expectSameTree(filesystem, entry.inode, child);
    } else if (status.type === 'symlink') {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else {
      const real = statSync(child, { bigint: true });
      expect(status.mode).toBe(Number(real.mode & 0o7777n));
      expect(status.uid).toBe(Number(real.uid));
      expect(contentOf(filesystem, entry.inode).equals(readFileSync(child)), child).toBe(true);
    }
  }
}

const layouts: readonly (readonly [string, readonly string[], MakeOptions?])[] = [
  ['ext4 as mke2fs makes it', ['-t', 'ext4']],
  ['hash trees', ['-t', 'ext4', '-b', '1024'], { hashTrees: true }],
  ['inline data', ['-t', 'ext4', '-O', 'inline_data']],
  ['no checksums, 32 bits', ['-t', 'ext4', '-O', '^metadata_csum,^64bit']],
  ['meta groups, blocks of 1 KiB', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode']],
  ['a checksum seed', ['-t', 'ext4', '-O', 'metadata_csum_seed']],
  ['small groups', ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', '^flex_bg']],
  ['two superblock copies', ['-t', 'ext4', '-b', '1024', '-O', 'sparse_super2']],
  ['inodes of 128 bytes', ['-t', 'ext4', '-I', '128']],
  ['inodes of 1024 bytes', ['-t', 'ext4', '-I', '1024', '-O', 'inline_data']],
  ['ext3: block maps', ['-t', 'ext3']],
  ['ext2: block maps, blocks of 1 KiB', ['-t', 'ext2', '-b', '1024']],
  ['ext2 without file types', ['-t', 'ext2', '-O', '^filetype']],
];

for (const [what, parameters, options] of layouts) {
  test(`reads the tree it was made from: ${what}`, () => {
    const image = memorySource(make('layout', parameters, options));
    expect(ext4.detect(image)).toEqual({ answer: 'yes' });
    const filesystem = ext4.open?.(image) as Filesystem;
    expectSameTree(filesystem, filesystem.rootInode, tree);
    expect(filesystem.clean).toBe(true);
    expect(filesystem.gaps).toEqual([]);
    rmSync(join(folder, 'layout'));
  });
}

test('describes a filesystem', () => {
  const uuid = '11111111-2222-4333-8444-55555555abcd';
  const image = memorySource(make('described', ['-t', 'ext4', '-U', uuid, '-L', 'root', '-b', '4096']));
  expect(ext4.describe(image)).toMatchObject({
    uuid,
    label: 'root',
    properties: { type: 'ext4', blockSize: 4096, clean: true, needsRecovery: false, orphans: false },
  });
  const filesystem = ext4.open?.(image) as Filesystem;
  expect(filesystem.totalBytes).toBe(16_777_216n);
  expect(filesystem.freeBytes).toBeGreaterThan(1_000_000n);
  expect(filesystem.freeInodes).toBeGreaterThan(100n);
});

test('reads blocks of 64 KiB', () => {
  const filesystem = ext4.open?.(
    memorySource(
      make('wide', ['-t', 'ext4', '-b', '65536', '-N', '1024'], { size: '24M', source: join(tree, 'many') }),
    ),
  ) as Filesystem;
  expect(filesystem.readDirectory(filesystem.rootInode)).toHaveLength(manyFiles + 1);
});

test('reads times with their nanoseconds, also after 2038', () => {
  const path = join(folder, 'times');
  const image = make('times', ['-t', 'ext4'], {
    commands: ['set_inode_field tiny mtime @0x12345678', 'set_inode_field tiny mtime_extra 0x3B9AC9FD'],
  });
  const filesystem = ext4.open?.(memorySource(image)) as Filesystem;
  const { modifiedAt } = filesystem.status(find(filesystem, 'tiny'));
  expect(modifiedAt).toBe((0x12345678n + (1n << 32n)) * 1_000_000_000n + 0x3b9ac9fdn / 4n);
  rmSync(path);
});

test('reads attributes in the inode, in a block, in an inode of their own, and access control lists', () => {
  const big = join(folder, 'big-value');
  writeFileSync(big, noise(1024));
  const capability =
    '\\001\\000\\000\\002\\000\\004\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000';
  const list =
    '\\001\\000\\000\\000\\001\\000\\006\\000\\002\\000\\004\\000\\350\\003\\000\\000\\004\\000\\004\\000\\020\\000\\004\\000\\040\\000\\000\\000';
  const image = make('attributes', ['-t', 'ext4', '-b', '1024', '-O', 'ea_inode'], {
    commands: [
      'ea_set tiny user.note "some text"',
      `ea_set tiny security.capability ${capability}`,
      `ea_set inline user.long "${'y'.repeat(900)}"`,
      `ea_set -f ${big} empty user.big`,
      `ea_set -r empty system.posix_acl_access "${list}"`,
    ],
  });
  const filesystem = ext4.open?.(memorySource(image)) as Filesystem;
  const attributes = (path: string) => filesystem.extendedAttributes(find(filesystem, path));
  expect(Buffer.from(attributes('tiny').get('user.note') ?? []).toString()).toBe('some text');
  expect(attributes('tiny').get('security.capability')).toHaveLength(20);
  expect(Buffer.from(attributes('inline').get('user.long') ?? []).toString()).toBe('y'.repeat(900));
  expect(Buffer.from(attributes('empty').get('user.big') ?? []).equals(noise(1024))).toBe(true);
  expect(attributes('deep').size).toBe(0);
  expect(Buffer.from(attributes('empty').get('system.posix_acl_access') ?? []).toString('hex')).toBe(
    '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff',
  );
});

test('hides the attribute that holds inline data', () => {
  const filesystem = ext4.open?.(
    memorySource(make('hidden', ['-t', 'ext4', '-O', 'inline_data'])),
  ) as Filesystem;
  expect(filesystem.extendedAttributes(find(filesystem, 'inline')).size).toBe(0);
});

test('reads device nodes and pipes', () => {
  const filesystem = ext4.open?.(
    memorySource(
      make('nodes', ['-t', 'ext4'], { commands: ['mknod null c 1 3', 'mknod disk b 8 17', 'mknod pipe p'] }),
    ),
  ) as Filesystem;
  const status = (path: string) => filesystem.status(find(filesystem, path));
  expect(status('null')).toMatchObject({ type: 'character-device', device: { major: 1, minor: 3 } });
  expect(status('disk')).toMatchObject({ type: 'block-device', device: { major: 8, minor: 17 } });
  expect(status('pipe')).toMatchObject({ type: 'fifo' });
});

test('gives another fingerprint for every change but that of the access time', () => {
  const fingerprint = (command: string): string => {
    const image = make('fingerprint', ['-t', 'ext4', '-U', '11111111-2222-4333-8444-555555555555'], {
      commands: ['set_inode_field tiny atime 20200101', 'set_inode_field tiny ctime 20200101', command],
    });
    const filesystem = ext4.open?.(memorySource(image)) as Filesystem;
    return Buffer.from(filesystem.fingerprint(find(filesystem, 'tiny'))).toString('hex');
  };
  const before = fingerprint('set_inode_field tiny atime 20210101');
  expect(fingerprint('set_inode_field tiny atime 20220202')).toBe(before);
  expect(fingerprint('set_inode_field tiny ctime 20220202')).not.toBe(before);
  expect(fingerprint('set_inode_field tiny generation 77')).not.toBe(before);
});

test('refuses a filesystem that goes past the end of its volume', () => {
  const image = make('cut', ['-t', 'ext4']);
  expect(() => ext4.open?.(memorySource(image.subarray(0, image.length - 4096)))).toThrow(
    expect.objectContaining({ code: 'image_truncated' }),
  );
});

test('names the features that it does not read', () => {
  const clusters = memorySource(make('clusters', ['-t', 'ext4', '-O', 'bigalloc']));
  expect(ext4.detect(clusters)).toMatchObject({
    answer: 'unreadable',
    detail: expect.stringContaining('bigalloc'),
  });
  expect(() => ext4.open?.(clusters)).toThrow(expect.objectContaining({ code: 'filesystem_unsupported' }));
});

test('notices every changed byte of the metadata that checksums cover', () => {
  const image = make('sums', ['-t', 'ext4', '-b', '1024'], { hashTrees: true });
  const path = join(folder, 'sums');
  const directoryBlock = Number(/^\d+/m.exec(debug(path, ['blocks many']).replace(/^debugfs.*$/gm, ''))?.[0]);
  expect(debug(path, ['htree_dump many'])).toContain('Root node dump');
  const places = [
    ['the superblock', 1024 + 0x78],
    ['a group descriptor', 2048 + 0x10],
    ['a hash tree', directoryBlock * 1024 + 40],
    ['a leaf of it', (directoryBlock + 1) * 1024 + 12],
  ] as const;
  for (const [what, place] of places) {
    const damaged = Buffer.from(image);
    damaged.writeUInt8((damaged[place] as number) ^ 0x10, place);
    expect(() => {
      const filesystem = ext4.open?.(memorySource(damaged)) as Filesystem;
      filesystem.readDirectory(find(filesystem, 'many'));
    }, what).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
  }
});

test('ends with an error of ours, and ends, whatever the bytes are', () => {
  const images = [
    make('fuzz-plain', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum'], {
      size: '1M',
      source: join(tree, 'small'),
    }),
    make('fuzz-inline', ['-t', 'ext4', '-b', '1024', '-O', '^metadata_csum,inline_data,^has_journal'], {
      size: '1M',
      source: join(tree, 'deep'),
    }),
    make('fuzz-maps', ['-t', 'ext2', '-b', '1024'], { size: '1M', source: join(tree, 'small') }),
  ].map((bytes) => ({ bytes, used: usedBytes(bytes) }));
  fc.assert(
    fc.property(
      fc.constantFrom(...images),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      ({ bytes, used }, flips) => {
        const damaged = Buffer.from(bytes);
        for (const [choice, value] of flips) {
          damaged[used[choice % used.length] as number] = value;
        }
        try {
          walk(ext4.open?.(memorySource(damaged)) as Filesystem);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
      },
    ),
    { numRuns: 400 },
  );
});

/** Offsets of the bytes that are not zero: a flip elsewhere would hardly ever matter. */
function usedBytes(bytes: Buffer): readonly number[] {
  return [...bytes.keys()].filter((at) => bytes[at] !== 0 && at < 300_000);
}

function walk(filesystem: Filesystem): void {
  const left = [filesystem.rootInode];
  const seen = new Set<number>();
  for (let inode = left.pop(); inode !== undefined && seen.size < 200; inode = left.pop()) {
    if (seen.has(inode)) {
      continue;
    }
    seen.add(inode);
    try {
      visitInode(filesystem, inode, left);
    } catch (error) {
      expect(error).toBeInstanceOf(ColdpatchError);
    }
  }
}
