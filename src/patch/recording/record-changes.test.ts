import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ext4 } from '../../disk/filesystems/ext4/index.ts';
import type { Filesystem } from '../../disk/filesystems/types.ts';
import { memorySource } from '../../disk/memory-source.ts';
import { recordChanges } from './record-changes.ts';
import type { RecordedChange } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-record-'));
const before = join(folder, 'before.img');
const after = join(folder, 'after.img');
const large = Buffer.alloc(3 * 1024 * 1024, 'old ');
const largeChanged = Buffer.from(large);
largeChanged[large.length - 1] = 0;

beforeAll(() => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  for (const name of ['kept', 'rewritten', 'renamed-over', 'removed', 'mode', 'owner', 'touched']) {
    writeFileSync(join(tree, 'etc', name), `${name} as it was`);
  }
  writeFileSync(join(tree, 'large'), large);
  symlinkSync('etc/kept', join(tree, 'link'));
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, before, '16M']);
  copyFileSync(before, after);
  writeFileSync(join(folder, 'same'), 'renamed-over as it was');
  writeFileSync(join(folder, 'rewritten'), 'rewritten, longer than it was');
  writeFileSync(join(folder, 'largeChanged'), largeChanged);
  writeFileSync(join(folder, 'new'), 'new');
  const commands = [
    'rm /etc/rewritten',
    `write ${join(folder, 'rewritten')} /etc/rewritten`,
    'rm /etc/renamed-over',
    `write ${join(folder, 'same')} /etc/renamed-over`,
    'rm /large',
    `write ${join(folder, 'largeChanged')} /large`,
    'rm /etc/removed',
    `write ${join(folder, 'new')} /etc/new`,
    'ea_set /etc/new user.note important',
    'set_inode_field /etc/mode mode 0100755',
    'set_inode_field /etc/owner uid 33',
    'set_inode_field /etc/touched mtime 20200101000000',
    'rm /link',
    'symlink /link etc/new',
    'ln /etc/new /etc/linked',
    'set_inode_field /etc/new links_count 2',
  ];
  execFileSync('debugfs', ['-w', '-f', '-', after], {
    input: commands.join('\n'),
    stdio: ['pipe', 'ignore', 'ignore'],
    // A kernel changes the times of what it writes, to the nanosecond; debugfs reuses inodes within one second.
    env: { ...process.env, E2FSPROGS_FAKE_TIME: '2000000000' },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

function open(path: string): Filesystem {
  const filesystem = ext4.open?.(memorySource(readFileSync(path)));
  if (!filesystem) throw new Error('ext4 opens files');
  return filesystem;
}

function changesBelow(path: string): ReadonlyMap<string, RecordedChange> {
  const { changes } = recordChanges([{ path, before: open(before), after: open(after) }]);
  return new Map(changes.map((change) => [change.path, change]));
}

test('tells each kind of change, and leaves out what is as it was', () => {
  const changes = changesBelow('/');
  const kinds = [...changes.values()].map(({ path, kind, what }) =>
    `${path} ${kind} ${what?.join(' ') ?? ''}`.trim(),
  );
  expect(kinds).toEqual([
    '/etc/linked added',
    '/etc/mode changed mode',
    '/etc/new added',
    '/etc/owner changed owner',
    '/etc/removed removed',
    '/etc/renamed-over changed times',
    '/etc/rewritten changed content',
    '/etc/touched changed times',
    '/large changed content',
    '/link changed content',
  ]);
});

test('says what is there now', () => {
  const changes = changesBelow('/');
  expect(changes.get('/etc/new')?.file).toMatchObject({
    type: 'file',
    size: 3,
    sha256: createHash('sha256').update('new').digest('hex'),
    attributes: { 'user.note': Buffer.from('important').toString('base64') },
  });
  expect(changes.get('/large')?.file?.sha256).toBe(createHash('sha256').update(largeChanged).digest('hex'));
  expect(changes.get('/link')?.file?.target).toBe('etc/new');
  expect(changes.get('/etc/removed')?.file).toBeUndefined();
});

test('paths begin where the filesystem is mounted', () => {
  expect([...changesBelow('/srv').keys()]).toContain('/srv/etc/new');
});

test('an image beside itself has no changes', () => {
  expect(recordChanges([{ path: '/', before: open(before), after: open(before) }])).toEqual({ changes: [] });
});

test('a file is read once for all links to it', () => {
  const changes = changesBelow('/');
  expect(changes.get('/etc/linked')?.file).toBe(changes.get('/etc/new')?.file);
});

test('a sparse file that is larger than its disk can hold is not read', () => {
  const sparse = join(folder, 'sparse.img');
  copyFileSync(after, sparse);
  execFileSync('debugfs', ['-w', '-R', `set_inode_field /etc/new size ${3n * 1024n ** 4n}`, sparse], {
    stdio: 'ignore',
  });
  const record = () => recordChanges([{ path: '/srv', before: open(before), after: open(sparse) }]);
  expect(record).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
  expect(record).toThrow('/srv/etc/');
});

test('a recording has no more characters than it may', () => {
  const pairs = [{ path: '/', before: open(before), after: open(after) }];
  const { length } = recordChanges(pairs)
    .changes.map((change) => JSON.stringify(change))
    .join('');
  const record = (characters: number) => recordChanges(pairs, { sparseBytes: 0n, characters });
  expect(record(length).changes).not.toEqual([]);
  expect(() => record(length - 1)).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
});
