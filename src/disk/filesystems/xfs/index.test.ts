import { visitInode } from '../../fixtures/visit-inode.ts';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { xfs } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-xfs-'));
const tree = join(folder, 'tree');
/** mkfs.xfs 6.1 forgets the header of links that lie outside their inode, which version 5 wants. */
const oldTree = join(folder, 'old-tree');
/** Small enough to be read again for each damage. */
const littleTree = join(folder, 'little-tree');
const prototype = join(folder, 'prototype');
const size = 32 * 1024 * 1024;
const manyFiles = 600;

beforeAll(() => {
  for (const name of ['deep', 'deep/deeper', 'empty', 'block', 'many']) {
    mkdirSync(join(tree, name), { recursive: true });
  }
  writeFileSync(join(tree, 'nothing'), '');
  writeFileSync(join(tree, 'deep', 'deeper', 'large'), noise(700_000));
  writeFileSync(join(tree, 'deep', 'täst'), noise(5000));
  writeFileSync(join(tree, 'deep', 'n'.repeat(255)), 'long name');
  symlinkSync('short', join(tree, 'short-link'));
  symlinkSync('target/'.repeat(30), join(tree, 'long-link'));
  mkdirSync(oldTree);
  for (const name of ['block', 'leaf']) {
    mkdirSync(join(littleTree, name), { recursive: true });
    for (let index = 0; index < (name === 'leaf' ? 50 : 4); index += 1) {
      writeFileSync(join(littleTree, name, `${index}`.padEnd(90, 'n')), '');
    }
  }
  symlinkSync('z'.repeat(200), join(littleTree, 'link'));
  writeFileSync(join(littleTree, 'content'), noise(9000));
  symlinkSync('y'.repeat(1023), join(oldTree, 'longest-link'));
  for (let index = 0; index < 40; index += 1) {
    writeFileSync(join(tree, 'block', `file-${index}`), `${index}`);
  }
  for (let index = 0; index < manyFiles; index += 1) {
    writeFileSync(join(tree, 'many', `a-file-with-a-rather-long-name-number-${index}`), 'x'.repeat(index));
  }
  const nodes = ['disk b--640 0 6 8 17', 'null c--666 0 0 1 3', 'pipe p--600 0 0'];
  const start = '/dev/null\n0 0\nd--755 3 4\n';
  writeFileSync(prototype, `${start}${prototypeOf(tree)}${nodes.join('\n')}\n$\n`);
  writeFileSync(`${prototype}-little`, `${start}${prototypeOf(littleTree)}$\n`);
  writeFileSync(`${prototype}-old`, `${start}${prototypeOf(oldTree)}$\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = 12_345; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** What is below `path`, as mkfs.xfs wants it described. */
function prototypeOf(path: string): string {
  return readdirSync(path, { withFileTypes: true })
    .map((entry) => {
      const child = join(path, entry.name);
      if (entry.isDirectory()) {
        return `${entry.name} d--750 5 6\n${prototypeOf(child)}$\n`;
      }
      return entry.isSymbolicLink()
        ? `${entry.name} l--777 0 0 ${readlinkSync(child)}\n`
        : `${entry.name} -u-644 10 20 ${child}\n`;
    })
    .join('');
}

interface Made {
  readonly path: string;
  readonly bytes: Buffer;
}

/** @param commands for xfs_db, once the filesystem is made. */
function make(
  name: string,
  parameters: readonly string[],
  commands: readonly string[] = [],
  from = prototype,
): Made {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, size);
  // Without --unsupported it makes nothing below 300 MiB.
  const fixed = ['--unsupported', '-q', '-f', '-d', 'agcount=2', '-p', from];
  execFileSync('mkfs.xfs', [...fixed, ...parameters, path], { stdio: 'pipe' });
  debug(path, commands);
  return { path, bytes: readFileSync(path) };
}

function debug(path: string, commands: readonly string[]): string {
  if (commands.length === 0) {
    return '';
  }
  return execFileSync('xfs_db', ['-x', ...commands.flatMap((command) => ['-c', command]), path], {
    stdio: ['pipe', 'pipe', 'pipe'],
  }).toString();
}

function open(bytes: Uint8Array): Filesystem {
  return xfs.open?.(memorySource(bytes)) as Filesystem;
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

/** The tree of the filesystem is the tree it was made from, and the device nodes. */
function expectSameTree(filesystem: Filesystem, inode: number, path: string): void {
  const entries = filesystem.readDirectory(inode).filter(({ name }) => !/^(disk|null|pipe)$/.test(name));
  expect(entries.map(({ name }) => name).toSorted()).toEqual(readdirSync(path).toSorted());
  for (const entry of entries) {
    const child = join(path, entry.name);
    const status = filesystem.status(entry.inode);
    if (status.type === 'directory') {
      expect(status).toMatchObject({ mode: 0o750, uid: 5, gid: 6 });
      expectSameTree(filesystem, entry.inode, child);
    } else if (status.type === 'symlink') {
      expect(filesystem.readLink(entry.inode)).toBe(readlinkSync(child));
    } else {
      expect(status).toMatchObject({ type: 'file', mode: 0o4644, uid: 10, gid: 20, linkCount: 1 });
      expect(status.size).toBe(statSync(child, { bigint: true }).size);
      const file = filesystem.openFile(entry.inode);
      expect(readBytes(file, 0n, Number(file.size)).equals(readFileSync(child)), child).toBe(true);
    }
  }
}

const layouts: readonly (readonly [string, readonly string[]])[] = [
  ['as mkfs.xfs makes it', []],
  ['blocks of 1 KiB, large extent counters', ['-b', 'size=1024', '-i', 'nrext64=1']],
  ['small times, directory blocks of 8 KiB', ['-m', 'bigtime=0', '-n', 'size=8192']],
  ['sectors of 4 KiB, inodes of 2 KiB', ['-s', 'size=4096', '-i', 'size=2048']],
  ['version 4', ['-m', 'crc=0']],
  ['version 4, blocks of 512 bytes', ['-m', 'crc=0', '-b', 'size=512']],
  ['version 4 without file types', ['-m', 'crc=0', '-n', 'ftype=0']],
  [
    'version 4, directory blocks of 64 KiB, inodes of 1 KiB',
    ['-m', 'crc=0', '-n', 'size=65536', '-i', 'size=1024'],
  ],
];

for (const [what, parameters] of layouts) {
  test(`reads the tree it was made from: ${what}`, () => {
    const { bytes } = make('layout', parameters);
    expect(xfs.detect(memorySource(bytes))).toEqual({ answer: 'yes' });
    const filesystem = open(bytes);
    expectSameTree(filesystem, filesystem.rootInode, tree);
    expect(filesystem.clean).toBe(true);
    expect(filesystem.gaps).toEqual([]);
    const status = (path: string) => filesystem.status(find(filesystem, path));
    expect(status('disk')).toMatchObject({
      type: 'block-device',
      mode: 0o640,
      gid: 6,
      device: { major: 8, minor: 17 },
    });
    expect(status('null')).toMatchObject({ type: 'character-device', device: { major: 1, minor: 3 } });
    expect(status('pipe')).toMatchObject({ type: 'fifo', mode: 0o600 });
    expect(Math.abs(Number(status('nothing').modifiedAt / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });
}

test('describes a filesystem', () => {
  const uuid = '11111111-2222-4333-8444-55555555abcd';
  const { bytes, path } = make('described', ['-m', `uuid=${uuid}`, '-L', 'root']);
  expect(xfs.describe(memorySource(bytes))).toEqual({
    uuid,
    label: 'root',
    properties: {
      version: 5,
      blockSize: 4096,
      sectorSize: 512,
      inodeSize: 512,
      checksums: true,
      unmounted: true,
      needsRepair: false,
    },
  });
  const filesystem = open(bytes);
  expect(filesystem.totalBytes).toBe(BigInt(size));
  const free = Number(/fdblocks = (\d+)/.exec(debug(path, ['sb 0', 'print fdblocks']))?.[1]);
  expect(filesystem.freeBytes).toBe(BigInt(free) * 4096n);
  expect(filesystem.freeInodes).toBeGreaterThan(1000n);
});

for (const [what, parameters] of [
  ['version 5', []],
  ['version 4', ['-m', 'crc=0']],
] as const) {
  test(`reads attributes in the inode, in leaves below a node, and in blocks of their own: ${what}`, () => {
    const many = Array.from(
      { length: 150 },
      (_, index) => `attr_set -u -v ${index + 1} ${'a'.repeat(30)}${index}`,
    );
    const { bytes } = make('attributes', parameters, [
      'path /nothing',
      'attr_set -u -v 20 note',
      'attr_set -r -v 5 note',
      'attr_set -s -v 7 capability',
      'path /deep/deeper/large',
      ...many,
      'attr_set -u -v 65536 large',
      'attr_set -u -v 5000 middle',
    ]);
    const filesystem = open(bytes);
    const lengths = (path: string): Readonly<Record<string, number>> => {
      const attributes = [...filesystem.extendedAttributes(find(filesystem, path))];
      // xfs_db fills every value with this letter.
      expect(attributes.every(([, value]) => value.every((byte) => byte === 0x76))).toBe(true);
      return Object.fromEntries(attributes.map(([name, value]) => [name, value.length]));
    };
    expect(lengths('nothing')).toEqual({ 'user.note': 20, 'trusted.note': 5, 'security.capability': 7 });
    expect(lengths('deep')).toEqual({});
    expect(lengths('deep/deeper/large')).toEqual({
      ...Object.fromEntries(many.map((_, index) => [`user.${'a'.repeat(30)}${index}`, index + 1])),
      'user.large': 65_536,
      'user.middle': 5000,
    });
  });
}

test('gives another fingerprint for every change but that of the access time', () => {
  const { bytes, path } = make('fingerprint', ['-m', 'bigtime=0']);
  const fingerprint = (command: string): string => {
    debug(path, ['path /nothing', command]);
    const filesystem = open(readFileSync(path));
    return Buffer.from(filesystem.fingerprint(find(filesystem, 'nothing'))).toString('hex');
  };
  const filesystem = open(bytes);
  const before = Buffer.from(filesystem.fingerprint(find(filesystem, 'nothing'))).toString('hex');
  expect(fingerprint('write core.atime.sec 7')).toBe(before);
  const changed = fingerprint('write core.ctime.sec 8');
  expect(changed).not.toBe(before);
  expect(fingerprint('write core.gen 9')).not.toBe(changed);
});

test('refuses the content of files on a realtime device', () => {
  const { bytes } = make('realtime', [], ['path /nothing', 'write core.realtime 1']);
  const filesystem = open(bytes);
  expect(() => filesystem.openFile(find(filesystem, 'nothing'))).toThrow(
    expect.objectContaining({ code: 'filesystem_unsupported' }),
  );
});

test('reads links that lie outside their inode, in one block and in more', () => {
  for (const blockSize of ['4096', '512']) {
    const { bytes } = make('links', ['-m', 'crc=0', '-b', `size=${blockSize}`], [], `${prototype}-old`);
    const filesystem = open(bytes);
    expectSameTree(filesystem, filesystem.rootInode, oldTree);
  }
});

/** The image with other fields in its superblock, of 32 bits each, and its checksum right. */
function withSuperblock(bytes: Buffer, fields: Readonly<Record<number, number>>): Buffer {
  const changed = Buffer.from(bytes);
  for (const [place, value] of Object.entries(fields)) {
    changed.writeUInt32BE(value >>> 0, Number(place));
  }
  mend(changed, 0);
  return changed;
}

test('names the features that it does not read', () => {
  const { bytes } = make('features', []);
  const known = bytes.readUInt32BE(216);
  for (const [bits, name] of [
    [0x100, 'metadir'],
    [0x200, 'zoned'],
    [0x40000000, 'unknown (0x40000000)'],
    [0x80000000, 'unknown (0x80000000)'],
  ] as const) {
    const source = memorySource(withSuperblock(bytes, { 216: known | bits }));
    expect(xfs.detect(source)).toMatchObject({ answer: 'unreadable', detail: expect.stringContaining(name) });
    expect(() => xfs.open?.(source)).toThrow(expect.objectContaining({ code: 'filesystem_unsupported' }));
  }
  const old = Buffer.from(bytes);
  old.writeUInt16BE(0x2083, 100);
  expect(xfs.detect(memorySource(old))).toMatchObject({ detail: expect.stringContaining('version 3') });
  const exchanged = open(withSuperblock(bytes, { 216: known | 0xc0 }));
  expectSameTree(exchanged, exchanged.rootInode, tree);
});

test('a mark that repair is needed, and a log elsewhere, are gaps', () => {
  const { bytes } = make('marked', []);
  const known = bytes.readUInt32BE(216);
  expect(open(withSuperblock(bytes, { 216: known | 0x10 }))).toMatchObject({
    clean: false,
    gaps: [{ where: 'superblock', reason: 'corrupt' }],
  });
  expect(open(withSuperblock(bytes, { 48: 0, 52: 0 }))).toMatchObject({
    clean: false,
    gaps: [{ where: 'log', reason: 'unclean', detail: expect.stringContaining('another device') }],
  });
});

test('refuses a filesystem that goes past the end of its volume', () => {
  const { bytes } = make('cut', []);
  expect(() => open(bytes.subarray(0, bytes.length - 4096))).toThrow(
    expect.objectContaining({ code: 'image_truncated' }),
  );
});

/** Where the checksum of a block lies, by its magic number, and how long the block is. */
const checksums: Readonly<Record<string, readonly [place: number, bytes: number]>> = {
  '58465342': [224, 512],
  '58444233': [4, 1024],
  '58444433': [4, 1024],
  '424d4133': [64, 1024],
  '5841524d': [12, 1024],
};

/** Makes the checksum of the block around byte `at` right again, so that damage gets past it. */
function mend(bytes: Buffer, at: number): void {
  for (const unit of [512, 1024]) {
    const start = Math.floor(at / unit) * unit;
    const block = bytes.subarray(start, start + unit);
    const da = block.readUInt16BE(8);
    const isInode = unit === 512 && block.readUInt16BE(0) === 0x494e;
    const isAttribute = unit === 1024 && (da === 0x3bee || da === 0x3ebe);
    const known = checksums[block.subarray(0, 4).toString('hex')];
    const place = isInode ? 100 : isAttribute ? 12 : known?.[1] === unit ? known[0] : undefined;
    if (place !== undefined) {
      block.fill(0, place, place + 4);
      block.writeUInt32LE(~crc32c(0xffffffff, block) >>> 0, place);
    }
  }
}

interface Watched {
  readonly source: ByteSource;
  /** Reads since the last call. */
  readonly reads: () => readonly (readonly [start: number, length: number])[];
}

function watched(bytes: Uint8Array): Watched {
  const inner = memorySource(bytes);
  let reads: (readonly [number, number])[] = [];
  return {
    source: {
      size: inner.size,
      read(offset, into) {
        reads.push([Number(offset), into.length]);
        inner.read(offset, into);
      },
    },
    reads() {
      const taken = reads;
      reads = [];
      return taken;
    },
  };
}

const littleAttributes = [
  'path /content',
  ...Array.from({ length: 120 }, (_, index) => `attr_set -u -v 50 name${index}`),
  'attr_set -u -v 6000 large',
];

function makeLittle(name: string, parameters: readonly string[]): Buffer {
  return make(name, parameters, littleAttributes, `${prototype}-little`).bytes;
}

test('notices a changed byte in every kind of metadata that checksums cover', () => {
  const bytes = makeLittle('sums', ['-b', 'size=1024']);
  const clean = walk(open(bytes));
  expect(clean.problems).toBe(0);
  const places = Map.groupBy(metadataBytes(bytes), (at) => kindOf(bytes, at)?.kind);
  for (const kind of ['XFSB', 'IN', 'XDB3', 'XDD3', 'XARM', 'attribute leaf', 'attribute node']) {
    const candidates = (places.get(kind) ?? []).filter((at) => {
      const { start } = kindOf(bytes, at) as Kind;
      return kind !== 'IN' || clean.seen.has(Number(bytes.readBigUInt64BE(start + 152)));
    });
    expect(candidates.length, kind).toBeGreaterThan(0);
    for (let index = 0; index < 10; index += 1) {
      const at = candidates[Math.floor((candidates.length * index) / 10)] as number;
      const original = bytes[at] as number;
      bytes[at] = original ^ 0x10;
      expect(problemsOf(bytes), `byte ${at} of ${kind}`).toBeGreaterThan(0);
      bytes[at] = original;
    }
  }
});

function problemsOf(bytes: Buffer): number {
  try {
    return walk(open(bytes)).problems;
  } catch (error) {
    expect(error).toBeInstanceOf(ColdpatchError);
    return 1;
  }
}

interface Kind {
  readonly kind: string;
  readonly start: number;
}

/** What the block around byte `at` is, by its magic number. */
function kindOf(bytes: Buffer, at: number): Kind | undefined {
  for (const unit of [512, 1024]) {
    const start = Math.floor(at / unit) * unit;
    const magic = bytes.subarray(start, start + 4).toString('latin1');
    const kind = /^(XFSB|IN|XD2B|XD2D|XDB3|XDD3|XARM)/.exec(magic)?.[1];
    const attribute = { 64494: 'leaf', 65214: 'node', 15342: 'leaf', 16062: 'node' }[
      bytes.readUInt16BE(start + 8)
    ];
    if (kind !== undefined && (kind !== 'XFSB' || at < 512)) {
      return { kind, start };
    }
    if (attribute !== undefined && unit === 1024) {
      return { kind: `attribute ${attribute}`, start };
    }
  }
  return undefined;
}

/** Offsets of the bytes that are not zero in small reads: flips elsewhere would hardly ever matter. */
function metadataBytes(bytes: Buffer): readonly number[] {
  const log = watched(bytes);
  walk(xfs.open?.(log.source) as Filesystem);
  const places = new Set<number>();
  for (const [start, length] of log.reads()) {
    for (let at = start; at < start + length; at += 1) {
      if (bytes[at] !== 0) {
        places.add(at);
      }
    }
  }
  return [...places].filter((at) => kindOf(bytes, at) !== undefined);
}

test('ends with an error of ours, and ends, whatever the bytes are', () => {
  const images = [makeLittle('fuzz-5', ['-b', 'size=1024']), makeLittle('fuzz-4', ['-m', 'crc=0'])].map(
    (bytes) => ({ bytes, used: metadataBytes(bytes) }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...images),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      ({ bytes, used }, flips) => {
        const undo: (() => void)[] = [];
        for (const [choice, value] of flips) {
          const at = used[choice % used.length] as number;
          const start = Math.floor(at / 4096) * 4096;
          const before = Buffer.from(bytes.subarray(start, start + 4096));
          undo.push(() => bytes.set(before, start));
          bytes[at] = value;
          mend(bytes, at);
        }
        const log = watched(bytes);
        try {
          walk(xfs.open?.(log.source) as Filesystem);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
        for (const restore of undo.toReversed()) {
          restore();
        }
        expect(log.reads().length).toBeLessThan(20_000);
      },
    ),
    { numRuns: 300 },
  );
  const { bytes } = images[0] as (typeof images)[number];
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), (length) => {
      expect(() => open(bytes.subarray(0, length))).toThrow(ColdpatchError);
    }),
    { numRuns: 50 },
  );
});

interface Walk {
  /** Inodes that could not be read wholly. */
  readonly problems: number;
  readonly seen: ReadonlySet<number>;
}

/** Reads everything. */
function walk(filesystem: Filesystem): Walk {
  const left = [filesystem.rootInode];
  const seen = new Set<number>();
  let problems = 0;
  for (let inode = left.pop(); inode !== undefined && seen.size < 200; inode = left.pop()) {
    if (seen.has(inode)) {
      continue;
    }
    seen.add(inode);
    try {
      visitInode(filesystem, inode, left);
    } catch (error) {
      expect(error).toBeInstanceOf(ColdpatchError);
      problems += 1;
    }
  }
  return { problems, seen };
}
