import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../lib/errors.ts';
import { checkDevice, checkKernelFilesystem, checkNode, checkRoot } from './check-basics.ts';
import { checkContainer } from './check-container.ts';
import { checkDirectory } from './check-directory.ts';
import { checkEmulation, describeKvm } from './check-kvm.ts';
import { checkPrograms } from './check-programs.ts';
import { findProgram } from './find-program.ts';
import { tryAbility } from './try-ability.ts';

test('one command installs all that is missing, each package once', () => {
  const { checks, installCommand } = checkPrograms((name) =>
    ['dpkg', 'dpkg-deb', 'flock', 'gpgv'].includes(name) ? undefined : `/usr/bin/${name}`,
  );
  expect(installCommand).toBe('apt-get install --no-install-recommends dpkg gpgv util-linux');
  expect(checks.filter(({ ok }) => !ok).map(({ check }) => check)).toEqual([
    'dpkg',
    'dpkg-deb',
    'gpgv',
    'flock',
  ]);
  expect(checkPrograms((name) => `/usr/bin/${name}`).installCommand).toBeNull();
});

test('an ordinary user needs what the engine appliance needs, and what only namespace needs is a note', () => {
  const requiredWithout = (...missing: readonly string[]) =>
    checkPrograms((name) => (missing.includes(name) ? undefined : name))
      .checks.filter(({ ok, required }) => required && !ok)
      .map(({ check }) => check);
  expect(requiredWithout('systemd-nspawn', 'fusermount3', 'nsenter', 'mount', 'losetup')).toEqual([]);
  expect(requiredWithout('qemu-system-x86_64', 'mke2fs')).toEqual(['mke2fs', 'qemu-system-x86_64']);
});

test('a program is an executable file on the path', () => {
  expect(findProgram('sh', '/nonexistent:/bin')).toBe('/bin/sh');
  expect(findProgram('bin', '/usr')).toBeUndefined();
  expect(findProgram('passwd', '/etc')).toBeUndefined();
});

test.each([
  ['24.0.0', true],
  ['25.1.2', true],
  ['22.20.0', false],
])('Node %s is new enough: %s', (version, ok) => {
  expect(checkNode(version).ok).toBe(ok);
});

test('without root it is a note, because images of your own need none', () => {
  expect(checkRoot(false)).toMatchObject({
    ok: false,
    required: false,
    detail: expect.stringContaining('everything works but the engine namespace') as string,
  });
  expect(checkRoot(true).ok).toBe(true);
});

test('without a device there is no engine namespace', () => {
  expect(checkDevice('/dev/null', 'null').ok).toBe(true);
  expect(checkDevice('/dev/nonexistent', 'nonexistent')).toMatchObject({
    ok: false,
    required: false,
    detail: expect.stringContaining('no engine namespace') as string,
  });
});

test('a filesystem of the kernel is found by its whole name', () => {
  expect(checkKernelFilesystem('ext4', 'nodev\tproc\n\text4\n').ok).toBe(true);
  expect(checkKernelFilesystem('ext', 'nodev\tproc\n\text4\n').ok).toBe(false);
});

test.each([
  ['systemd 252 (252.39-1~deb12u2)\n+PAM', true],
  ['systemd 250\n', true],
  ['systemd 247 (247.3-7)', false],
  ['unknown', false],
])('%j can leave out syncs: %s', (version, ok) => {
  expect(checkContainer(version)).toMatchObject({ ok, required: false });
});

test.each([
  ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)', false, false],
  ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)', true, true],
  ['QEMU emulator version 10.0.2', false, true],
  ['what?', true, false],
])('%s with KVM %s is fit for new kernels: %s', (version, kvm, ok) => {
  expect(checkEmulation(version, kvm)).toMatchObject({ ok, required: false });
});

test('KVM that opens but runs nothing is told from KVM that is absent', () => {
  const opens = describeKvm({ state: 'opens but a guest does not run', detail: 'it hung' });
  expect(opens).toMatchObject({ ok: false, required: false });
  expect(opens.detail).toContain('opens but a guest does not run: it hung');
  expect(describeKvm({ state: 'absent', detail: 'none' }).detail).toContain('absent');
  expect(describeKvm({ state: 'usable' }).ok).toBe(true);
});

test('a folder has its free space and an answer about reflinks, and is left as it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  const [free, reflinks] = await checkDirectory(folder);
  expect(free).toMatchObject({ ok: true, detail: expect.stringMatching(/^\d+\.\d GB free$/) as string });
  expect(reflinks).toMatchObject({ check: `reflinks in ${folder}`, required: false });
  // Fails when something was left inside.
  rmdirSync(folder);
});

test('a folder that is not there is missing', async () => {
  expect(await checkDirectory('/nonexistent/folder')).toMatchObject([{ ok: false, required: true }]);
});

test('only errors of the catalogue mean that the host cannot', async () => {
  const ability = { check: 'x', required: true, remedy: 'r', detail: 'd' };
  const cannot = () => Promise.reject(new ColdpatchError('host_tool_failed', 'no'));
  expect(await tryAbility({ ...ability, work: cannot })).toMatchObject({
    ok: false,
    detail: 'no',
    remedy: 'r',
  });
  expect(await tryAbility({ ...ability, work: () => Promise.resolve() })).toEqual({
    check: 'x',
    required: true,
    ok: true,
    detail: 'd',
  });
  await expect(tryAbility({ ...ability, work: () => Promise.reject(new TypeError('bug')) })).rejects.toThrow(
    'bug',
  );
});
