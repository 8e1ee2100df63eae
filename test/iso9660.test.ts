import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Filesystem } from '../src/disk/filesystems/types.ts';
import { makeTestTree } from '../src/disk/fixtures/test-tree.ts';
import { openImage } from '../src/disk/open-image.ts';
import { expectAsMounted } from './support/expect-as-mounted.ts';

/** What root takes out with foreign readers is the judge: owners, modes, devices and times too. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-iso9660-'));
const tree = join(folder, 'tree');
/** Seconds since 1970; the readers leave the time of the folder that they fill. */
const rootTime = 1_600_000_000;
const image = join(folder, 'image.iso');

beforeAll(() => {
  mkdirSync(tree);
  makeTestTree(tree, { many: 2000, largest: 3_000_001 });
  const place = (name: string): string => join(tree, name);
  execFileSync('mkfifo', [place('queue')]);
  chownSync(place('large.bin'), 1234, 70_000);
  chmodSync(place('large.bin'), 0o6751);
  utimesSync(place('lower.txt'), 1, 1_700_000_000);
  utimesSync(tree, rootTime, rootTime);
});
afterAll(() => rmSync(folder, { recursive: true }));

const writers = [
  ['genisoimage', '-quiet', '-input-charset', 'utf-8', '-D'],
  ['xorriso', '-as', 'mkisofs', '-quiet'],
] as const;
const readers = {
  bsdtar: (to: string) => ['-x', '-p', '-f', image, '-C', to],
  xorriso: (to: string) => ['-osirrox', 'on', '-indev', image, '-extract', '/', to],
} as const;

function write([program, ...parameters]: (typeof writers)[number]): void {
  rmSync(image, { force: true });
  execFileSync(program, [...parameters, '-R', '-o', image, tree], { stdio: 'pipe', timeout: 60_000 });
}

function unpack(reader: keyof typeof readers, name: string): string {
  const back = join(folder, name);
  mkdirSync(back);
  execFileSync(reader, readers[reader](back), { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  utimesSync(back, rootTime, rootTime);
  return back;
}

function opened(look: (filesystem: Filesystem) => void): void {
  const { volumes, gaps, close } = openImage({ path: image });
  try {
    expect(volumes[0]?.content).toMatchObject({ format: 'iso9660', properties: { names: 'rock-ridge' } });
    expect(gaps).toEqual([]);
    if (volumes[0]?.filesystem === undefined) throw new Error('It was not opened.');
    look(volumes[0].filesystem);
  } finally {
    close();
  }
}

for (const writer of writers) {
  for (const reader of ['bsdtar', 'xorriso'] as const) {
    test(`${writer[0]}: as ${reader} takes it out`, () => {
      write(writer);
      const back = unpack(reader, `${writer[0]}-${reader}`);
      opened((filesystem) => expect(expectAsMounted(filesystem, back).paths).toBeGreaterThan(2000));
    });
  }
}

test('devices, second names and times of links, which only bsdtar takes out', () => {
  symlinkSync('../some/where', join(tree, 'link'));
  symlinkSync('/etc/./passwd', join(tree, 'other link'));
  linkSync(join(tree, 'README.TXT'), join(tree, 'second name'));
  execFileSync('mknod', [join(tree, 'character'), 'c', '5', '1']);
  execFileSync('mknod', [join(tree, 'block'), 'b', '8', '17']);
  utimesSync(tree, rootTime, rootTime);
  const [genisoimage, xorriso] = writers;
  write(xorriso);
  const back = unpack('bsdtar', 'devices');
  opened((filesystem) => expectAsMounted(filesystem, back));
  // No reader takes out what this one writes of devices, but the numbers are known.
  write(genisoimage);
  opened((filesystem) => {
    const entries = filesystem.readDirectory(filesystem.rootInode);
    const devices = ['character', 'block'].map((name) => entries.find((entry) => entry.name === name)?.inode);
    expect(devices.map((inode) => filesystem.status(inode ?? -1).device)).toEqual([
      { major: 5, minor: 1 },
      { major: 8, minor: 17 },
    ]);
  });
});
