import { expect, test } from 'vitest';
import { createConsoleSigns } from './console-signs.ts';
import { type BootObservation, judgeBoot } from './judge-boot.ts';

const login = 'GRUB loading.\nLoading, please wait...\nweb login: ';
const running = { state: 'running', failedUnits: [], probes: [] };

function judge(text: string, more: Partial<BootObservation> = {}) {
  const signs = createConsoleSigns();
  signs.add(text);
  return judgeBoot({
    signs,
    inside: { answer: 'nothing' },
    end: 'time_limit',
    timeLimitSeconds: 60,
    ...more,
  });
}

function inside(report: object): Partial<BootObservation> {
  return { inside: { answer: 'report', report: { ...running, ...report } }, end: 'settled' };
}

test.each([
  ['nothing at all', '', {}, 'no_boot_loader'],
  ['an empty disk', 'No bootable device.', {}, 'no_boot_loader'],
  ['a boot sector and silence', 'Booting from 0000:7c00\n', {}, 'no_kernel'],
  ['a boot loader without its files', 'GRUB loading.\nerror: no such partition.\n', {}, 'no_kernel'],
  ['a kernel that goes no further', 'Linux version 6.1.0\n', {}, 'no_login'],
  ['a machine that ends', 'Linux version 6.1.0\n', { end: 'switched_off' }, 'no_login'],
  ['a panic', 'Linux version 6.1.0\nKernel panic - not syncing: x', {}, 'kernel_panic'],
  ['a panic after the report', `${login}\nKernel panic - not syncing: x`, inside({}), 'kernel_panic'],
  ['a shell of the initramfs', 'Loading, please wait...\n(initramfs) ', {}, 'emergency_mode'],
  ['maintenance', 'x', inside({ state: 'maintenance' }), 'emergency_mode'],
  ['a login and no word from inside', login, {}, 'silent'],
  ['a login and a broken protocol', login, { inside: { answer: 'unusable', detail: 'x' } }, 'silent'],
  ['a login where nobody could be asked', login, { notAsked: 'no systemd' }, 'healthy'],
  ['all well', '', inside({}), 'healthy'],
  ['a failed unit', '', inside({ state: 'degraded', failedUnits: ['x.service'] }), 'units_failed'],
  ['a failed probe', '', inside({ probes: [{ name: 'tcp:80', ok: false, detail: 'x' }] }), 'probe_failed'],
  ['a state that is none', '', inside({ state: 'fine' }), 'no_login'],
] as const)('%s', (_, text, more, verdict) => {
  expect(judge(text, more)).toMatchObject({ verdict });
});
