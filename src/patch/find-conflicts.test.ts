import { expect, test } from 'vitest';
import { findConflicts } from './find-conflicts.ts';

test('names the file that was kept and the version of the package beside it', () => {
  const file = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1 } as const;
  const conflicts = findConflicts({
    changes: [
      { path: '/etc/nginx/nginx.conf.dpkg-dist', kind: 'added', file },
      { path: '/etc/php/php.ini.ucf-dist', kind: 'changed', what: ['content'], file },
      { path: '/etc/ssh/sshd_config.dpkg-new', kind: 'removed' },
      { path: '/etc/nginx/nginx.conf', kind: 'changed', what: ['times'], file },
    ],
  });
  expect(conflicts).toEqual([
    { path: '/etc/nginx/nginx.conf', newVersion: '/etc/nginx/nginx.conf.dpkg-dist' },
    { path: '/etc/php/php.ini', newVersion: '/etc/php/php.ini.ucf-dist' },
  ]);
});
