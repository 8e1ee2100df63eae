import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTestTree, noise } from '../src/disk/fixtures/test-tree.ts';
import { openImage } from '../src/disk/open-image.ts';
import { expectAsMounted } from './support/expect-as-mounted.ts';

/** The kernel's own driver as the judge. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-squashfs-'));
const tree = join(folder, 'tree');
const mountPoint = join(folder, 'mount');

beforeAll(() => {
  mkdirSync(mountPoint);
  mkdirSync(tree);
  makeTestTree(tree, { many: 2000, largest: 3_000_001 });
  const place = (name: string): string => join(tree, name);
  writeFileSync(place('holes'), noise(5000));
  truncateSync(place('holes'), 9_500_000);
  appendFileSync(place('holes'), noise(9000));
  writeFileSync(place('words'), 'words that compress well, '.repeat(60_000));
  linkSync(place('words'), place('the same words'));
  linkSync(place('README.TXT'), place('leer/second name'));
  symlinkSync('../some/where', place('link'));
  symlinkSync('x/'.repeat(1500), place('long link'));
  execFileSync('mknod', [place('character'), 'c', '5', '1']);
  execFileSync('mknod', [place('block'), 'b', '259', '70000']);
  execFileSync('mkfifo', [place('queue')]);
  for (const name of ['words', 'block', 'leer', '.']) {
    execFileSync('setfattr', ['-n', 'trusted.note', '-v', name.repeat(100), place(name)]);
    execFileSync('setfattr', ['-n', 'security.empty', place(name)]);
  }
  execFileSync('setfattr', ['-n', 'user.large', '-v', 'x'.repeat(3000), place('words')]);
  execFileSync('setfattr', ['-n', 'user.large', '-v', 'x'.repeat(3000), place('lower.txt')]);
  execFileSync('setfattr', ['-h', '-n', 'trusted.link', '-v', 'of the link', place('link')]);
  chownSync(place('words'), 1234, 70_000);
  chmodSync(place('words'), 0o6751);
  utimesSync(place('lower.txt'), 1, 3_000_000_000);
});
afterAll(() => rmSync(folder, { recursive: true }));

for (const [name, ...parameters] of [
  ['gzip'],
  ['xz', '-Xbcj', 'x86'],
  ['lzo'],
  ['lz4'],
  ['zstd', '-b', '1M'],
  ['gzip', '-b', '4K', '-no-fragments', '-no-exports'],
  ['gzip', '-noI', '-noD', '-noF', '-noX'],
] as const) {
  test(`${[name, ...parameters].join(' ')}: as the kernel mounts it`, () => {
    const path = join(folder, 'image');
    execFileSync('mksquashfs', [
      tree,
      path,
      '-quiet',
      '-no-progress',
      '-noappend',
      '-comp',
      name,
      ...parameters,
    ]);
    execFileSync('mount', ['-t', 'squashfs', '-o', 'loop,ro', path, mountPoint]);
    const image = openImage({ path });
    try {
      const [volume] = image.volumes;
      expect(volume?.content?.format).toBe('squashfs');
      expect(image.gaps).toEqual([]);
      if (volume?.filesystem === undefined) throw new Error('It was not opened.');
      const found = expectAsMounted(volume.filesystem, mountPoint);
      expect(found.paths).toBeGreaterThan(2000);
      expect(found).toMatchObject({ hardLinks: 2, attributes: 14 });
    } finally {
      image.close();
      execFileSync('umount', [mountPoint]);
    }
  });
}
