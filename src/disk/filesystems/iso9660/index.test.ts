import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { openVolumes } from '../../open-volumes.ts';
import { contentOf, expectSameTree, makeTestTree, noise, readDamaged } from '../../fixtures/test-tree.ts';
import type { Filesystem } from '../types.ts';
import { iso9660 } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-iso-'));
const tree = join(folder, 'tree');
const plain = join(folder, 'plain');

beforeAll(() => {
  mkdirSync(tree);
  makeTestTree(tree, { many: 200, largest: 300_001 });
  mkdirSync(plain);
  writeFileSync(join(plain, 'one.txt'), noise(5000, 1));
  writeFileSync(join(plain, 'two.txt'), noise(7000, 2));
  mkdirSync(join(plain, 'folder'));
  writeFileSync(join(plain, 'folder', 'inside.dat'), noise(100));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, parameters: readonly string[]): string {
  return execFileSync(program, parameters, {
    stdio: 'pipe',
    timeout: 20_000,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  }).toString('latin1');
}

function make(program: 'genisoimage' | 'xorriso', source: string, parameters: readonly string[]): Buffer {
  const path = join(folder, 'image.iso');
  rmSync(path, { force: true });
  const how = program === 'xorriso' ? ['-as', 'mkisofs'] : ['-input-charset', 'utf-8'];
  run(program, [...how, '-quiet', '-V', 'A volume', ...parameters, '-o', path, source]);
  return readFileSync(path);
}

function open(bytes: Uint8Array): Filesystem {
  const source = memorySource(bytes);
  expect(iso9660.detect(source)).toEqual({ answer: 'yes' });
  return (iso9660.open as NonNullable<typeof iso9660.open>)(source);
}

function inodeOf(filesystem: Filesystem, name: string, directory = filesystem.rootInode): number {
  return filesystem.readDirectory(directory).find((entry) => entry.name === name)?.inode ?? -1;
}

/** Takes everything out with a foreign reader. */
function unpacked(name: string): string {
  const back = join(folder, name);
  mkdirSync(back);
  run('bsdtar', ['-x', '-f', join(folder, 'image.iso'), '-C', back]);
  return back;
}

for (const program of ['genisoimage', 'xorriso'] as const) {
  test(`Rock Ridge by ${program}: every byte of the tree, deep directories moved or not`, () => {
    const bytes = make(program, tree, ['-R', '-J', '-joliet-long']);
    const filesystem = open(bytes);
    const back = unpacked(`back-${program}`);
    // genisoimage puts directories that lie too deep there, and Rock Ridge shows them where they belong.
    const moved = filesystem.readDirectory(filesystem.rootInode).filter(({ name }) => name === 'rr_moved');
    expect(moved.map(({ inode }) => filesystem.readDirectory(inode))).toEqual(moved.map(() => []));
    const { readDirectory, rootInode } = filesystem;
    const shown: Filesystem = {
      ...filesystem,
      readDirectory: (inode) => readDirectory(inode).filter(({ name }) => name !== 'rr_moved'),
    };
    expectSameTree(shown, rootInode, tree);
    rmSync(join(back, 'rr_moved'), { recursive: true, force: true });
    expectSameTree(shown, rootInode, back);
    const { uuid, label, properties } = iso9660.describe(memorySource(bytes));
    expect({ label, properties }).toMatchObject({
      label: 'A volume',
      properties: { names: 'rock-ridge', elTorito: false, udf: false },
    });
    const known = run('blkid', ['-p', '-o', 'value', '-s', 'UUID', join(folder, 'image.iso')]).trim();
    expect(uuid).toBe(known);
    expect(filesystem).toMatchObject({ clean: true, freeBytes: 0n, gaps: [] });
  });
}

test('Joliet: every byte that bsdtar takes out', () => {
  const short = join(folder, 'short');
  mkdirSync(join(short, 'Ünterordner', 'deeper'), { recursive: true });
  writeFileSync(join(short, 'Ünterordner', 'deeper', 'Grüße – 日本語.txt'), noise(5000));
  writeFileSync(join(short, 'CamelCase.Name with blanks'), noise(70_000));
  const bytes = make('genisoimage', short, ['-J', '-joliet-long']);
  const filesystem = open(bytes);
  expect(iso9660.describe(memorySource(bytes)).properties['names']).toBe('joliet');
  expect(filesystem.readDirectory(filesystem.rootInode)).toHaveLength(2);
  const names = filesystem.readDirectory(filesystem.rootInode).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['CamelCase.Name with blanks', 'Ünterordner']));
  expectSameTree(filesystem, filesystem.rootInode, unpacked('back-joliet'));
  expectSameTree(filesystem, filesystem.rootInode, short);
});

test('plain ISO 9660: names in lower case, without versions', () => {
  const bytes = make('genisoimage', plain, []);
  const filesystem = open(bytes);
  expectSameTree(filesystem, filesystem.rootInode, plain);
  expect(filesystem.status(inodeOf(filesystem, 'one.txt'))).toMatchObject({
    type: 'file',
    mode: 0o555,
    size: 5000n,
  });
  expect(iso9660.describe(memorySource(bytes)).properties['names']).toBe('plain');
});

test('owners, modes, links and times of Rock Ridge, through continuation areas', () => {
  const special = join(folder, 'special');
  mkdirSync(special);
  const name = 'a name that is so long that it does not fit '.repeat(5);
  writeFileSync(join(special, name), 'one');
  chmodSync(join(special, name), 0o4750);
  utimesSync(join(special, name), 1_000_000_000, 1_500_000_000);
  linkSync(join(special, name), join(special, 'other'));
  const targets = ['../some/where', '/', '/etc/passwd', '.', '..', 'y'.repeat(150)];
  targets.forEach((target, index) => symlinkSync(target, join(special, `link-${index}`)));
  for (const program of ['genisoimage', 'xorriso'] as const) {
    if (program === 'xorriso') {
      // The other program writes such targets without an end.
      for (const target of [`${'x/'.repeat(400)}x`, 'y'.repeat(250), 'ä/../b']) {
        symlinkSync(target, join(special, `link-${targets.length}`));
        targets.push(target);
      }
    }
    const filesystem = open(make(program, special, ['-R']));
    expect(filesystem.status(inodeOf(filesystem, name))).toMatchObject({
      type: 'file',
      mode: 0o4750,
      uid: process.getuid?.(),
      modifiedAt: 1_500_000_000n * 1_000_000_000n,
    });
    expect(contentOf(filesystem, inodeOf(filesystem, 'other')).toString()).toBe('one');
    const read = targets.map((_, index) => filesystem.readLink(inodeOf(filesystem, `link-${index}`)));
    expect(read).toEqual(targets);
    const root = filesystem.rootInode;
    expect(filesystem.fingerprint(root)).toEqual(filesystem.fingerprint(root));
  }
});

/** Byte offset of the record of the file that the plain format calls `name`. */
function placeOf(bytes: Buffer, name: string): number {
  return bytes.indexOf(Buffer.from(name, 'latin1')) - 33;
}

test('a file in two sections, as bsdtar reads it', () => {
  const bytes = make('genisoimage', plain, ['-iso-level', '3', '-sort', '/dev/null']);
  const [one, two] = [placeOf(bytes, 'ONE.TXT;1'), placeOf(bytes, 'TWO.TXT;1')];
  bytes.write('ONE.TXT;1', two + 33, 'latin1');
  bytes.writeUInt8(0x80, one + 25);
  bytes.writeUInt32LE(4096, one + 10);
  bytes.writeUInt32BE(4096, one + 14);
  writeFileSync(join(folder, 'image.iso'), bytes);
  const filesystem = open(bytes);
  const names = filesystem.readDirectory(filesystem.rootInode).map(({ name }) => name);
  expect(names.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['folder', 'one.txt']);
  const inode = inodeOf(filesystem, 'one.txt');
  const expected = Buffer.concat([noise(5000, 1).subarray(0, 4096), noise(7000, 2)]);
  expect(contentOf(filesystem, inode).equals(expected)).toBe(true);
  expect(filesystem.status(inode).size).toBe(BigInt(expected.length));
  const part = Buffer.alloc(10);
  filesystem.openFile(inode).read(4090n, part);
  expect(part.equals(expected.subarray(4090, 4100))).toBe(true);
  const read = execFileSync('bsdtar', ['-x', '-O', '-f', join(folder, 'image.iso'), 'ONE.TXT']);
  expect(read.equals(expected)).toBe(true);
  bytes.writeUInt8(0x80, two + 25);
  expect(() => open(bytes).openFile(inode)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('chains that loop and places outside the volume are corrupt', () => {
  const special = join(folder, 'loop');
  mkdirSync(special);
  writeFileSync(join(special, 'n'.repeat(240)), 'content');
  const bytes = make('genisoimage', special, ['-R']);
  const filesystem = open(bytes);
  const file = filesystem.readDirectory(filesystem.rootInode)[0]?.inode ?? 0;
  expect(filesystem.status(file).size).toBe(7n);
  const within = bytes.subarray(file, file + 256).indexOf('CE\x1c\x01', 'latin1');
  const continuation = file + within;
  const block = bytes.readUInt32LE(continuation + 4);
  const offset = bytes.readUInt32LE(continuation + 12);
  // The area continues with itself.
  const looping = Buffer.from(bytes);
  bytes.copy(looping, block * 2048 + offset, continuation, continuation + 28);
  expect(() => open(looping).status(file)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
  const outside = Buffer.from(bytes);
  outside.writeUInt32LE(0xffff_fff0, continuation + 4);
  expect(() => open(outside).status(file)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
  const far = Buffer.from(bytes);
  far.writeUInt32LE(0x00ff_fff0, file + 2);
  expect(() => open(far).openFile(file)).toThrow(expect.objectContaining({ code: 'filesystem_corrupt' }));
});

test('what can start from it, on a hybrid image with a partition table too', () => {
  const boot = join(folder, 'boot');
  mkdirSync(boot);
  writeFileSync(join(boot, 'bios.img'), noise(4096));
  const efi = join(boot, 'efi.img');
  writeFileSync(efi, '');
  truncateSync(efi, 1024 * 1024);
  run('mkfs.fat', ['-i', 'ABCD1234', efi]);
  const bootParameters =
    '-b bios.img -no-emul-boot -boot-load-size 4 -boot-info-table ' +
    '-eltorito-alt-boot -e efi.img -no-emul-boot -append_partition 2 0xef';
  const bytes = make('xorriso', boot, ['-R', ...bootParameters.split(' '), efi, '-partition_offset', '16']);
  const source = memorySource(bytes);
  expect(iso9660.describe(source).properties).toMatchObject({ elTorito: true, bootPlatforms: 'bios, uefi' });
  const { partitionTable, volumes, gaps } = openVolumes(source);
  expect(partitionTable?.id).toBe('mbr');
  expect(volumes).toMatchObject([
    { name: 'disk', content: { format: 'iso9660' } },
    { name: 'partition 1', content: { format: 'iso9660' } },
    { name: 'partition 2', content: { format: 'fat', uuid: 'ABCD-1234' } },
  ]);
  expect(gaps).toEqual([]);
  const listed = volumes
    .slice(0, 2)
    .map(({ filesystem }) =>
      contentOf(filesystem as Filesystem, inodeOf(filesystem as Filesystem, 'efi.img')).equals(
        readFileSync(efi),
      ),
    );
  expect(listed).toEqual([true, true]);
});

test('an ISO 9660 that an older content left behind is not read', () => {
  const bytes = make('genisoimage', plain, ['-R']);
  const disk = Buffer.alloc(4 * 1024 * 1024);
  bytes.copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  disk.writeUInt8(0x83, 446 + 4);
  disk.writeUInt32LE(2048, 446 + 8);
  disk.writeUInt32LE(2048, 446 + 12);
  expect(openVolumes(memorySource(disk)).volumes.map(({ name }) => name)).toEqual(['partition 1']);
  disk.writeUInt32LE(64, 446 + 8);
  const { volumes, gaps } = openVolumes(memorySource(disk));
  expect(volumes.map(({ name }) => name)).toEqual(['disk', 'partition 1']);
  expect(gaps).toEqual([]);
});

test('an image that is cut off, and UDF beside it, are gaps', () => {
  const bytes = make('genisoimage', plain, ['-R', '-udf']);
  expect(open(bytes).gaps).toMatchObject([{ where: 'UDF', reason: 'unsupported' }]);
  const cut = bytes.subarray(0, bytes.length - 200_000);
  expect(open(cut).gaps).toMatchObject([{ where: 'UDF' }, { reason: 'missing' }]);
  const other = Buffer.from(bytes);
  other.writeUInt16LE(1024, 32_768 + 128);
  expect(iso9660.detect(memorySource(other))).toMatchObject({ answer: 'unreadable' });
});

for (const parameters of [['-R', '-J', '-joliet-long'], ['-J', '-joliet-long'], []]) {
  test(`damaged bytes of ${parameters[0] ?? 'the plain format'} are refused, not crashed on`, () => {
    const small = join(folder, `small${parameters.length}`);
    mkdirSync(small);
    makeTestTree(small, { many: 15, largest: 30_000 });
    symlinkSync('/some/where/../else', join(small, 'link'));
    const bytes = make('genisoimage', small, [...parameters, '-iso-level', '3', '-D', '-l']);
    const place = fc.oneof(
      fc.integer({ min: 32_768, max: 32_768 + 8191 }),
      fc.integer({ min: 40_960, max: 140_000 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 12 }),
        fc.oneof(fc.constant(bytes.length), fc.nat(bytes.length)),
        (changes, length) => {
          const damaged = Buffer.from(bytes.subarray(0, length));
          for (const [at, value] of changes.filter(([at]) => at < length)) {
            damaged[at] = value;
          }
          readDamaged(iso9660, damaged);
        },
      ),
      { numRuns: 120 },
    );
  }, 20_000);
}
