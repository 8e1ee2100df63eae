import { describe, expect, test } from 'vitest';
import { mountTree } from './file-tree.ts';
import { memoryFilesystem, memoryTree } from './fixtures/memory-filesystem.ts';

const tree = memoryTree({
  'etc/hostname': 'alpha\n',
  'etc/absolute': { link: '/etc/hostname' },
  'etc/relative': { link: '../etc/./hostname' },
  'etc/above-root': { link: '../../../../../etc/hostname' },
  'etc/loop-a': { link: 'loop-b' },
  'etc/loop-b': { link: '/etc/loop-a' },
  'etc/nowhere': { link: '/usr/nothing' },
  'etc/empty': { link: '' },
  'etc/through-file': { link: '/etc/hostname/..' },
  etc2: { link: 'etc' },
  'dev/pipe': { type: 'fifo' },
  'var/huge': { sparse: 1n << 40n },
});

describe('symbolic links stay inside the tree', () => {
  test.each([
    '/etc/absolute',
    '/etc/relative',
    '/etc/above-root',
    '/etc2/hostname',
    '/../../etc2/../etc/hostname',
  ])('%s leads to the host name', (path) => expect(tree.readText(path)).toBe('alpha\n'));

  test.each(['/etc/nowhere', '/etc/empty', '/etc/through-file', '/nothing/at/all', '/etc/hostname/x'])(
    '%s does not exist',
    (path) => {
      expect(tree.exists(path)).toBe(false);
      expect(tree.tryReadText(path)).toBeUndefined();
      expect(() => tree.readText(path)).toThrow(expect.objectContaining({ code: 'path_not_found' }));
    },
  );

  test('a link to itself ends after forty steps', () => {
    expect(() => tree.readText('/etc/loop-a')).toThrow(/40 symbolic links/);
    expect(tree.tryReadText('/etc/loop-a')).toBeUndefined();
    expect(tree.linkStatus('/etc/loop-a').type).toBe('symlink');
  });

  test('a chain of exactly forty links is followed, one of forty-one is not', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 41 }, (_, i) => [`l${i}`, { link: i === 0 ? 'end' : `l${i - 1}` }]),
    );
    const chained = memoryTree({ ...chain, end: 'here' });
    expect(chained.readText('/l39')).toBe('here');
    expect(() => chained.readText('/l40')).toThrow(expect.objectContaining({ code: 'path_not_found' }));
  });

  test('links that multiply are stopped by the budget', () => {
    const many = memoryTree({ a: { link: 'b/b/b/b' }, b: { link: 'c/c/c/c' }, c: { link: 'a/a/a' } });
    expect(many.exists('/a')).toBe(false);
  });
});

describe('bounds', () => {
  test('a file above its limit is refused before it is read', () => {
    expect(() => tree.readFile('/var/huge', { limit: 1024 })).toThrow(
      expect.objectContaining({ code: 'limit_exceeded' }),
    );
    expect(() => tree.tryReadText('/var/huge')).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
  });

  test('what is no regular file is not opened', () => {
    expect(() => tree.openFile('/dev/pipe')).toThrow(/it is a fifo/);
    expect(tree.tryReadText('/etc')).toBeUndefined();
  });

  test('names and paths longer than Linux allows do not exist', () => {
    expect(tree.exists(`/${'n'.repeat(256)}`)).toBe(false);
    expect(tree.exists(`/${'n/'.repeat(3000)}`)).toBe(false);
  });
});

describe('mounts', () => {
  const root = memoryFilesystem({
    'etc/fstab': '',
    'boot/hidden': 'below the mount',
    'var/log/x': 'x',
    lib: { link: 'usr/lib' },
    'usr/lib/a': '',
  });
  const boot = memoryFilesystem({ 'vmlinuz-1': { link: '../etc/fstab' }, 'efi/keep': '' });
  const efi = memoryFilesystem({ 'EFI/x': 'esp' });
  const mounted = mountTree([
    { path: '/', filesystem: root },
    { path: '/boot', filesystem: boot },
    { path: '/boot/efi', filesystem: efi },
  ]);

  test('hide what is below them and nest', () => {
    expect(mounted.names('/boot')).toEqual(['efi', 'vmlinuz-1']);
    expect(mounted.readText('/boot/efi/EFI/x')).toBe('esp');
    expect(mounted.find('/boot/efi/EFI')?.filesystem).toBe(efi);
  });

  test('are left by `..`', () => {
    expect(mounted.names('/boot/efi/../..')).toContain('etc');
    expect(mounted.readText('/boot/vmlinuz-1')).toBe('');
  });

  test('give canonical paths', () => {
    expect(mounted.find('/lib/a')?.path).toBe('/usr/lib/a');
  });

  test('need a directory', () => {
    expect(() =>
      mountTree([
        { path: '/', filesystem: root },
        { path: '/srv', filesystem: boot },
      ]),
    ).toThrow(expect.objectContaining({ code: 'path_not_found' }));
  });
});
