import { expect, test } from 'vitest';
import { memoryTree } from './fixtures/memory-filesystem.ts';
import { readYumConfiguration } from './yum-configuration.ts';

test('sources of dnf and zypper, variables, keys and modules', () => {
  const { repositoryFiles, variables, keyrings, modules, gaps } = readYumConfiguration(
    memoryTree({
      'etc/yum.repos.d/b.repo': '[b]\n',
      'etc/yum.repos.d/a.repo': '[a]\n',
      'etc/yum.repos.d/a.repo.rpmnew': '[no]\n',
      'etc/zypp/repos.d/oss.repo': '[oss]\n',
      'etc/yum/vars/awsregion': 'old\n',
      'etc/dnf/vars/awsregion': 'eu-west-1\nmore\n',
      'etc/pki/rpm-gpg/KEY': 'key',
      'etc/pki/rpm-gpg/folder/KEY': 'no',
      'etc/dnf/modules.d/nodejs.module':
        '[nodejs]\nname=nodejs\nstream=18\nprofiles=\nstate=enabled\n\n[perl]\nstate = disabled\nstream =\n',
    }),
  );
  expect(repositoryFiles.map(({ path }) => path)).toEqual([
    '/etc/yum.repos.d/a.repo',
    '/etc/yum.repos.d/b.repo',
    '/etc/zypp/repos.d/oss.repo',
  ]);
  expect([...variables]).toEqual([['awsregion', 'eu-west-1']]);
  expect(keyrings.map(({ path }) => path)).toEqual(['/etc/pki/rpm-gpg/KEY']);
  expect([...modules]).toEqual([
    ['nodejs', { state: 'enabled', stream: '18' }],
    ['perl', { state: 'disabled', stream: '' }],
  ]);
  expect(gaps).toEqual([]);
});

test('what is too large is a gap', () => {
  const { repositoryFiles, gaps } = readYumConfiguration(
    memoryTree({ 'etc/yum.repos.d/a.repo': { sparse: 1n << 40n } }),
  );
  expect(repositoryFiles).toEqual([]);
  expect(gaps).toMatchObject([{ where: '/etc/yum.repos.d/a.repo', reason: 'limit' }]);
});
