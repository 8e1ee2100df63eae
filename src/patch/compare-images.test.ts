import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareImages } from './compare-images.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-compare-'));
const before = join(folder, 'before.img');
const after = join(folder, 'after.img');

function makeImage(image: string, files: Readonly<Record<string, string>>): void {
  const tree = `${image}.tree`;
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '16M']);
}

function status(perl: string): string {
  const entry = (name: string, version: string) =>
    `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
  return entry('dpkg', '1') + entry('perl', perl) + (perl === '1' ? entry('gone', '1') : entry('come', '2'));
}

const system = {
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\n',
  'etc/debian_version': '12.1\n',
  'etc/fstab': '',
  'etc/same': 'the same',
  'usr/bin/perl': '',
  'bin/sh': '',
  'sbin/init': '',
};

beforeAll(() => {
  makeImage(before, { ...system, 'var/lib/dpkg/status': status('1'), 'etc/changed': 'old' });
  makeImage(after, { ...system, 'var/lib/dpkg/status': status('2'), 'etc/changed': 'new', 'etc/new': '' });
});
afterAll(() => rmSync(folder, { recursive: true }));

test('names the packages and the files that differ, in images of which neither comes from the other', () => {
  const { packages, files } = compareImages({ path: before }, { path: after });
  expect(packages.map((entry) => [entry.name, entry.before, entry.after])).toEqual([
    ['come', null, '2'],
    ['gone', '1', null],
    ['perl', '1', '2'],
  ]);
  expect(files.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'changed /etc/changed',
    'added /etc/new',
    'changed /var/lib/dpkg/status',
  ]);
});

test('an image does not differ from itself', () => {
  expect(compareImages({ path: before }, { path: before })).toMatchObject({ packages: [], files: [] });
});
