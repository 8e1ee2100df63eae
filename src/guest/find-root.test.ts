import { describe, expect, test } from 'vitest';
import type { Filesystem, Subvolume } from '../disk/filesystems/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { Gap } from '../lib/gap.ts';
import { findRoot } from './find-root.ts';
import { type FixtureFiles, memoryFilesystem } from './fixtures/memory-filesystem.ts';
import { memoryImage } from './fixtures/memory-image.ts';
import { mountGuest } from './mount-guest.ts';

const uuid = '11111111-2222-4333-8444-555555555555';
const other = memoryFilesystem({ x: '' }, { uuid: '22222222-2222-4333-8444-555555555555' });

interface FixtureSubvolume extends Partial<Subvolume> {
  readonly files?: FixtureFiles;
}

/** A filesystem with several trees; ids count from 256 on, only the top level has 5. */
function withSubvolumes(paths: Readonly<Record<string, FixtureSubvolume>>): Filesystem {
  const trees: Record<string, FixtureSubvolume> = { '': {}, ...paths };
  const entries = Object.entries(trees);
  const hasDefault = entries.some(([, { isDefault }]) => isDefault);
  const listed = entries.map(([path, facts], index) => ({
    id: path === '' ? 5 : 255 + index,
    path,
    isDefault: facts.isDefault ?? (path === '' && !hasDefault),
    isSnapshot: facts.isSnapshot ?? false,
    readOnly: false,
    files: facts.files ?? { placeholder: '' },
  }));
  const openSubvolume = (id: number): Filesystem => {
    const found = listed.find((subvolume) => subvolume.id === id);
    if (found === undefined) throw new ColdpatchError('path_not_found', `There is no subvolume ${id}.`);
    return {
      ...memoryFilesystem(found.files, { uuid }),
      id: 'btrfs',
      subvolumes: () => listed,
      openSubvolume,
    };
  };
  return openSubvolume(listed.find(({ isDefault }) => isDefault)?.id ?? 5);
}

function system(rootOptions: string, more = '', files: FixtureFiles = {}): FixtureFiles {
  return {
    'etc/os-release': 'ID=example\n',
    'etc/fstab': `UUID=${uuid} / btrfs ${rootOptions} 0 0\n${more}`,
    'home/x': '',
    'var/x': '',
    'usr/bin/x': '',
    ...files,
  };
}

function read(...filesystems: readonly Filesystem[]) {
  const { volumes } = memoryImage(filesystems.map((filesystem) => ({ filesystem })));
  const gaps: Gap[] = [];
  const root = findRoot(volumes, gaps);
  const guest = root && mountGuest(root, volumes, gaps);
  const mounts = guest?.mounts.map(({ path, subvolume }) => [path, subvolume?.path]);
  const fstab = guest?.fstab.map(({ path }) => path);
  return { root, mounts, fstab, tree: guest?.tree, gaps };
}

test('a mount lies where the links and dots of the fstab lead, and nowhere outside', () => {
  const paths = ['/data', '/../../../srv/', '//home//user', '/gone', '/top', '/around'];
  const spec = 'UUID=22222222-2222-4333-8444-555555555555';
  const root = memoryFilesystem(
    {
      'etc/os-release': 'ID=example\n',
      'etc/fstab': paths.map((path) => `${spec} ${path} ext4 defaults 0 2\n`).join(''),
      data: { link: '/var/../opt' },
      'opt/x': '',
      'srv/x': '',
      'home/user/x': '',
      'usr/bin/x': '',
      'var/x': '',
      top: { link: '../..' },
      around: { link: 'around' },
    },
    { uuid },
  );
  const { mounts, fstab, gaps } = read(root, other);
  expect(mounts?.map(([path]) => path)).toEqual(['/', '/opt', '/home/user', '/srv']);
  expect(fstab).toEqual(['/opt', '/srv', '/home/user', '/gone', '/', '/around']);
  expect(gaps.map(({ where }) => where)).toEqual(['/gone', '/top', '/around']);
});

describe('the root in a subvolume', () => {
  test('of Ubuntu: @ and @home below the top level', () => {
    const home = `UUID=${uuid} /home btrfs defaults,subvol=@home 0 2\n`;
    const { mounts, tree, gaps } = read(
      withSubvolumes({
        '@': { files: system('defaults,subvol=@', home) },
        '@home': { files: { 'user/note': 'text' } },
      }),
      other,
    );
    expect(mounts).toEqual([
      ['/', '@'],
      ['/home', '@home'],
    ]);
    expect(tree?.readText('/home/user/note')).toBe('text');
    expect(gaps).toEqual([]);
  });

  test('of Fedora: root and home', () => {
    const { mounts, gaps } = read(withSubvolumes({ root: { files: system('subvol=root,compress=zstd:1') } }));
    expect(mounts).toEqual([['/', 'root']]);
    expect(gaps).toEqual([]);
  });

  test('of openSUSE: a snapshot is the default subvolume, other parts have their own', () => {
    const parts = ['var', '.snapshots', 'usr/local'].map(
      (path) => `UUID=${uuid} /${path} btrfs subvol=/@/${path} 0 0\n`,
    );
    const root = system('defaults', parts.join(''), { '.snapshots/x': '', 'usr/local/x': '' });
    const { mounts, tree, gaps } = read(
      withSubvolumes({
        '@': {},
        '@/var': { files: { 'log/x': '' } },
        '@/usr/local': {},
        '@/.snapshots': {},
        '@/.snapshots/1/snapshot': { isSnapshot: true, isDefault: true, files: root },
        '@/.snapshots/2/snapshot': { isSnapshot: true, files: root },
      }),
    );
    expect(mounts).toEqual([
      ['/', '@/.snapshots/1/snapshot'],
      ['/var', '@/var'],
      ['/.snapshots', '@/.snapshots'],
      ['/usr/local', '@/usr/local'],
    ]);
    expect(tree?.exists('/var/log/x')).toBe(true);
    expect(gaps).toEqual([]);
  });

  test('after a restore, where @ itself is a snapshot', () => {
    const files = system('subvol=/@');
    const { mounts, gaps } = read(
      withSubvolumes({
        'timeshift/1/@': { isSnapshot: true, files },
        '@': { isSnapshot: true, files },
        '@home': {},
      }),
    );
    expect(mounts).toEqual([['/', '@']]);
    expect(gaps).toEqual([]);
  });

  test('by its id, and not at the top level that looks like a root', () => {
    const { mounts, gaps } = read(
      withSubvolumes({ '': { files: system('subvolid=256') }, '@': { files: system('subvolid=256') } }),
    );
    expect(mounts).toEqual([['/', '@']]);
    expect(gaps).toMatchObject([{ where: 'partition 1, subvolume top level' }]);
  });

  test('is not looked for inside a root: containers lie there', () => {
    const { mounts, gaps } = read(
      withSubvolumes({
        '': { files: system('defaults') },
        'var/lib/containers/1': { files: system('defaults') },
      }),
    );
    expect(mounts).toEqual([['/', '']]);
    expect(gaps).toEqual([]);
  });

  test('is not guessed among several, and each is a gap', () => {
    const { root, gaps } = read(
      withSubvolumes({ '@one': { files: system('subvol=@one') }, '@two': { files: system('subvol=@two') } }),
    );
    expect(root).toBeUndefined();
    expect(gaps.map(({ where }) => where)).toEqual([
      'partition 1, subvolume @one',
      'partition 1, subvolume @two',
    ]);
  });
});

test('a subvolume that fstab names and that is not there is a gap', () => {
  const { mounts, gaps } = read(
    withSubvolumes({
      '@': { files: system('subvol=@', `UUID=${uuid} /var btrfs subvol=@var 0 0\n`) },
    }),
  );
  expect(mounts).toEqual([['/', '@']]);
  expect(gaps).toMatchObject([
    { where: '/var', reason: 'missing', detail: expect.stringContaining('subvol=@var') },
  ]);
});

test('subvolid=0 and subvol=/ are the top level', () => {
  for (const option of ['subvolid=0', 'subvolid=5', 'subvol=/']) {
    const { mounts } = read(
      withSubvolumes({
        '@': { isDefault: true, files: system('subvol=@', `UUID=${uuid} /home btrfs ${option} 0 0\n`) },
      }),
    );
    expect(mounts).toEqual([
      ['/', '@'],
      ['/home', ''],
    ]);
  }
});
