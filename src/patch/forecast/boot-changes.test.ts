import { expect, test } from 'vitest';
import { memoryTree } from '../../guest/fixtures/memory-filesystem.ts';
import type { Gap } from '../../lib/gap.ts';
import type { PlannedChange } from '../plan.ts';
import { bootChanges } from './boot-changes.ts';

function change(name: string, from: string | null = '1', to: string | null = '2'): PlannedChange {
  return { name, architecture: 'amd64', from, to, suite: 'stable', downloadSize: 1 };
}

const tree = memoryTree({
  'var/lib/dpkg/info/udev.postinst': '#!/bin/sh\nif true; then\n  update-initramfs -u\nfi\n',
  'var/lib/dpkg/info/perl.postinst': '#!/bin/sh\n# update-initramfs is not needed\n',
  'var/lib/dpkg/info/os-prober.postinst': '#!/bin/sh\nupdate-grub\n',
  'var/lib/dpkg/info/libx:amd64.triggers': 'activate-noawait update-initramfs\n',
  'var/lib/dpkg/info/blank.postinst': `#!/bin/sh\n${'\n'.repeat(400_000)}update-initramfs -u\n`,
  'var/lib/dpkg/info/huge.postinst': { sparse: 1n << 40n },
});

function kinds(...changes: readonly PlannedChange[]) {
  return bootChanges(changes, tree, []).map(({ kind, isCertain }) => (isCertain ? kind : `${kind}?`));
}

test.each([
  ['a new kernel', change('linux-image-6.1.0-40-amd64', null), ['kernel', 'initramfs', 'boot-menu']],
  ['a kernel of the same name', change('linux-image-6.1.0-40-amd64'), ['kernel', 'initramfs']],
  ['a kernel that goes', change('linux-image-6.1.0-9-amd64', '1', null), ['boot-menu']],
  ['a metapackage', change('linux-image-amd64'), []],
  ['shim', change('shim-signed'), ['shim']],
  ['GRUB for UEFI', change('grub-efi-amd64-signed'), ['grub']],
  ['what makes the menu', change('grub-common'), ['boot-menu?']],
  ['systemd-boot', change('systemd-boot-efi'), ['systemd-boot']],
  ['a package whose script makes the initramfs', change('udev'), ['initramfs']],
  ['a package that triggers it', change('libx'), ['initramfs']],
  ['a package whose script makes the menu', change('os-prober'), ['boot-menu?']],
  ['a script of empty lines, read in time', change('blank'), ['initramfs']],
  ['a package that only speaks of it', change('perl'), []],
  ['a package that goes', change('udev', '1', null), []],
  ['microcode that is new', change('intel-microcode', null), ['initramfs']],
  ['new keys of Secure Boot', change('secureboot-db'), ['secure-boot-keys']],
])('%s', (_, one, expected) => expect(kinds(one)).toEqual(expected));

test('names all packages of a change once', () => {
  const all = [
    change('udev'),
    change('libx'),
    change('linux-image-6.1.0-40-amd64', null),
    change('grub-common'),
  ];
  expect(bootChanges(all, tree, [])).toEqual([
    { kind: 'kernel', isCertain: true, packages: ['linux-image-6.1.0-40-amd64'] },
    { kind: 'initramfs', isCertain: true, packages: ['udev', 'libx', 'linux-image-6.1.0-40-amd64'] },
    { kind: 'boot-menu', isCertain: true, packages: ['linux-image-6.1.0-40-amd64', 'grub-common'] },
  ]);
});

test('a script that cannot be read is a gap', () => {
  const gaps: Gap[] = [];
  expect(bootChanges([change('huge')], tree, gaps)).toEqual([]);
  expect(gaps).toMatchObject([{ where: '/var/lib/dpkg/info/huge.postinst', reason: 'limit' }]);
});
