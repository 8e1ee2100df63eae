import { expect, test } from 'vitest';
import type { Diagnosis } from '../machines/host/diagnose-host.ts';
import { printDiagnosis } from './print-diagnosis.ts';

const healthy: Diagnosis = {
  checks: [{ check: 'dpkg', ok: true, required: true, detail: '/usr/bin/dpkg' }],
  installCommand: null,
  leftovers: [],
  cleaned: [],
  inUse: [],
  gaps: [],
};

test('a healthy host is a table and nothing else', () => {
  expect(printDiagnosis(healthy)).toBe('check      found\ndpkg   ok  /usr/bin/dpkg\n');
});

test('what is missing, noted and left is told with what to do', () => {
  const text = printDiagnosis({
    ...healthy,
    checks: [
      { check: 'gpgv', ok: false, required: true, detail: 'not there', remedy: 'install the package gpgv' },
      { check: 'KVM', ok: false, required: false, detail: 'absent' },
    ],
    installCommand: 'apt-get install gpgv',
    leftovers: [{ image: '/a\u001b[2J.img', kind: 'loop_device', path: '/dev/loop0' }],
    cleaned: [
      {
        image: '/b.img',
        detached: ['/dev/loop1'],
        removed: ['/b/work'],
        settlement: 'both_kept',
        problem: 'x\ny',
      },
    ],
    inUse: ['/c.img'],
    gaps: [{ where: '/d', reason: 'missing', detail: 'denied' }],
  });
  for (const line of [
    'gpgv   MISSING  not there',
    'KVM    note     absent',
    '  gpgv: install the package gpgv',
    '  apt-get install gpgv',
    '  loop device /dev/loop0 (of /a\\x1b[2J.img)',
    '  /b.img: its replacement is both kept',
    '  /b.img: removed /dev/loop1',
    '  /b.img: not to the end: x\\x0ay',
    '  /c.img',
    '  /d: denied',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});
