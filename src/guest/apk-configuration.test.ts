import { expect, test } from 'vitest';
import { readApkConfiguration } from './apk-configuration.ts';
import { memoryTree } from './fixtures/memory-filesystem.ts';

test('sources, keys, and what was asked for', () => {
  const { repositoryFiles, keys, world, gaps } = readApkConfiguration(
    memoryTree({
      'etc/apk/repositories': 'http://x/\n',
      'etc/apk/repositories.d/more.list': 'http://y/\n',
      'etc/apk/repositories.d/notes.txt': 'no\n',
      'etc/apk/keys/a@x-1.rsa.pub': 'key',
      'etc/apk/keys/private.rsa': 'no',
      'etc/apk/world': 'alpine-base\nmusl=1\n',
    }),
  );
  expect(repositoryFiles.map(({ text }) => text)).toEqual(['http://x/\n', 'http://y/\n']);
  expect(keys.map(({ path }) => path)).toEqual(['/etc/apk/keys/a@x-1.rsa.pub']);
  expect(world).toEqual(['alpine-base', 'musl=1']);
  expect(gaps).toEqual([]);
});
