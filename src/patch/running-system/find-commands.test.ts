import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findCommands } from './find-commands.ts';

const script = (...lines: readonly string[]) => ['#!/bin/sh', 'set -e', ...lines].join('\n');
const needs = (...lines: readonly string[]) => findCommands(script(...lines)).map((found) => found.needs);

test.each<[string, string]>([
  ['systemctl restart app', 'a running systemd'],
  ['/bin/systemctl --system daemon-reload', 'a running systemd'],
  ['if true; then systemctl start app; fi', 'a running systemd'],
  ['service app restart', 'running services'],
  ['/etc/init.d/app reload', 'running services'],
  ['udevadm trigger --subsystem-match=block', 'a running udev'],
  ['sysctl -p /etc/sysctl.d/app.conf', "the machine's own kernel"],
  ['modprobe fuse', "the machine's own kernel"],
  ['FOO=1 /sbin/modprobe fuse', "the machine's own kernel"],
  ['mount -t proc proc /proc', "the machine's own disks"],
  ['pg_upgradecluster 14 main', 'a running PostgreSQL'],
  ['echo "select 1" | psql app', 'a running PostgreSQL'],
  ['mysqladmin flush-privileges', 'a running MariaDB or MySQL'],
  ['dbus-send --system \\\n  --dest=org.freedesktop.DBus', 'a running D-Bus'],
])('%s needs %s', (line, need) => expect(needs(line)).toEqual([need]));

test.each([
  'deb-systemd-invoke restart app.service',
  'invoke-rc.d app restart',
  'deb-systemd-helper enable app.service',
  'systemctl enable app',
  '# systemctl start app',
  'echo "systemctl start app"',
  "echo 'run: modprobe fuse; mount /x'",
  'mountpoint /proc',
  'sysctl kernel.hostname',
  'remount',
  '[ -d /run/systemd/system ] && systemctl daemon-reload',
])('%s needs nothing', (line) => expect(needs(line)).toEqual([]));

test('a question whether a system runs guards what is behind it, and not the other case', () => {
  const guarded = ['if [ -d /run/systemd/system ]; then', '  systemctl daemon-reload', 'fi'];
  expect(needs(...guarded)).toEqual([]);
  expect(needs(...guarded, 'modprobe fuse')).toHaveLength(1);
  expect(needs('if [ -d /run/systemd/system ]', 'then', 'if true; then systemctl start a; fi', 'fi')).toEqual(
    [],
  );
  expect(needs('if [ -d /run/systemd/system ]; then', 'true', 'else', 'modprobe fuse', 'fi')).toHaveLength(1);
  expect(needs('if ! ischroot; then', 'modprobe fuse', 'fi')).toEqual([]);
  expect(needs('if ischroot; then', 'modprobe fuse', 'fi')).toHaveLength(1);
  expect(needs('if ischroot; then true; else', 'modprobe fuse', 'fi')).toEqual([]);
});

test('what may fail is told apart', () => {
  const found = findCommands(
    script('modprobe fuse || true', 'modprobe loop', 'if ! udevadm settle; then', 'true', 'fi'),
  );
  expect(found.map(({ isTolerated }) => isTolerated)).toEqual([true, false, true]);
  expect(found[0]?.command).toBe('modprobe fuse || true');
});

test('documents inside a script, and scripts of other languages, are not read as commands', () => {
  expect(needs('cat <<EOF', 'systemctl start app', 'EOF', 'modprobe fuse')).toHaveLength(1);
  expect(findCommands('#!/usr/bin/perl\nsystemctl start app\n')).toEqual([]);
  expect(findCommands('\x7fELF systemctl start app')).toEqual([]);
});

test('questions in questions count, and endless ones are answered in time', () => {
  const inner = (question: string) => [`if ${question}; then`, 'if true; then', 'modprobe a', 'fi', 'fi'];
  expect(needs(...inner('[ -d /run/systemd ]'))).toEqual([]);
  expect(needs(...inner('[ -d /opt ]'))).toHaveLength(1);
  const line = 'if;modprobe a;'.repeat(290);
  expect(needs(...Array.from({ length: 20_000 }, () => line)).length).toBeLessThan(2000);
});

test('any text has an answer', () => {
  const words = fc.constantFrom(
    'if',
    'then',
    'else',
    'fi',
    ';',
    '\n',
    '"',
    "'",
    '<<EOF',
    'modprobe x',
    '/run/',
    '||',
    '\\\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string())), (parts) => {
      const text = `#!/bin/sh\n${parts.join(' ')}`;
      expect(findCommands(text).length).toBeLessThanOrEqual(parts.length);
    }),
  );
});
