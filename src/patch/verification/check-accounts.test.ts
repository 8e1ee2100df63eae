import { expect, test } from 'vitest';
import { memoryFilesystem } from '../../guest/fixtures/memory-filesystem.ts';
import { type FileTree, mountTree } from '../../guest/file-tree.ts';
import { checkAccounts } from './check-accounts.ts';

function tree(passwd: string, group = 'root:x:0:\n'): FileTree {
  const filesystem = memoryFilesystem({ 'etc/passwd': passwd, 'etc/group': group });
  return mountTree([{ path: '/', filesystem }]);
}

const root = 'root:x:0:0:root:/root:/bin/bash\n';

test('a package may add a user, and members to a group', () => {
  const after = tree(`${root}nginx:x:33:33::/:/usr/sbin/nologin\n`, 'root:x:0:nginx\n');
  expect(checkAccounts(tree(root), after).ok).toBe(true);
});

test('who was a member of a group must stay one', () => {
  const check = checkAccounts(tree(root, 'sudo:x:27:anna,ben\n'), tree(root, 'sudo:x:27:ben,carl\n'));
  expect(check.ok).toBe(false);
  expect(check.detail).toContain('sudo');
});

test.each([
  ['a changed shell', tree(root.replace('/bin/bash', '/bin/sh'))],
  ['a user that is gone', tree('')],
  ['another number for a group', tree(root, 'root:x:7:\n')],
  ['a line of the same name before it', tree(`root::0:0::/:/bin/sh\n${root}`)],
  ['a line of the same name after it', tree(`${root}${root}`)],
])('%s does not pass', (_, after) => {
  const check = checkAccounts(tree(root), after);
  expect(check.ok).toBe(false);
  expect(check.detail).toContain('root');
});
