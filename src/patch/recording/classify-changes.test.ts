import { expect, test } from 'vitest';
import { classifyChanges, classOf } from './classify-changes.ts';

test.each([
  ['/boot/vmlinuz-6.1.0-9-amd64', 'kernel and boot'],
  ['/lib/modules/6.1.0-9-amd64/modules.dep', 'kernel and boot'],
  ['/usr/lib/modules', 'kernel and boot'],
  ['/var/lib/dpkg/status', 'package records'],
  ['/usr/share/doc/perl/copyright', 'documentation'],
  ['/usr/lib/python3/__pycache__/x.pyc', 'logs and caches'],
  ['/etc/passwd', 'configuration'],
  ['/usr/bin/perl', 'programs and libraries'],
  ['/bootleg', 'data'],
  ['/var/lib/systemd/random-seed', 'traces of a start'],
  ['/var/lib/systemd/random-seeds', 'data'],
  ['/var/lib/systemd/timers/stamp-apt-daily.timer', 'traces of a start'],
  ['/var/lib/systemd/deb-systemd-helper-enabled/cron.service.dsh-also', 'package records'],
  ['/var/log/journal/0/system.journal', 'traces of a start'],
  ['/var/log/wtmp', 'traces of a start'],
  ['/var/log/bootstrap/x', 'logs and caches'],
  ['/etc/machine-id', 'traces of a start'],
  ['/var/lib/postgresql/15/main/base', 'data'],
])('%s is %s', (path, expected) => expect(classOf(path)).toBe(expected));

test('counts by kind, and leaves out paths of which only times moved', () => {
  const file = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 1 } as const;
  const counts = classifyChanges({
    changes: [
      { path: '/etc/a', kind: 'added', file },
      { path: '/etc/b', kind: 'changed', what: ['content'], file },
      { path: '/etc/c', kind: 'changed', what: ['times'], file },
      { path: '/etc/d', kind: 'removed' },
    ],
  });
  expect(counts.find((count) => count.class === 'configuration')).toEqual({
    class: 'configuration',
    added: 1,
    changed: 1,
    removed: 1,
  });
  expect(counts.reduce((sum, { added, changed, removed }) => sum + added + changed + removed, 0)).toBe(3);
});
