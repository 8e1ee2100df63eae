import { expect, test } from 'vitest';
import { type ConsoleSign, createConsoleSigns } from './console-signs.ts';

const all: readonly ConsoleSign[] = [
  'nothing_to_boot',
  'boot_loader',
  'boot_loader_stuck',
  'kernel',
  'panic',
  'emergency',
  'login',
];

function signsOf(text: string, size = text.length): readonly ConsoleSign[] {
  const signs = createConsoleSigns();
  for (let at = 0; at < text.length; at += size) signs.add(text.slice(at, at + size));
  return all.filter((sign) => signs.has(sign));
}

/** Recorded from real machines. */
const recorded: readonly (readonly [string, string, readonly ConsoleSign[]])[] = [
  [
    'SeaBIOS and an empty disk',
    'Booting from Hard Disk...\nBoot failed: not a bootable disk\n\nNo bootable device.\n',
    ['nothing_to_boot'],
  ],
  [
    'OVMF without anything to start',
    'BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0)/Pci(0x4,0x0): Not Found\r\nBdsDxe: No bootable option or device was found.\r\n',
    ['nothing_to_boot'],
  ],
  [
    'GRUB that lost its files',
    'GRUB loading.\r\nWelcome to GRUB!\r\n\r\nerror: no such partition.\r\nEntering rescue mode...\r\ngrub rescue> ',
    ['boot_loader', 'boot_loader_stuck'],
  ],
  [
    'a kernel without a root',
    '[    1.742069] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n[    1.743] CPU: 0',
    ['kernel', 'panic'],
  ],
  [
    'initramfs-tools that found no root',
    'Loading, please wait...\nGave up waiting for root file system device.  Common problems:\n(initramfs) ',
    ['kernel', 'emergency'],
  ],
  [
    'the emergency mode of systemd',
    '[    9.1] x\nYou are in emergency mode. After logging in, type "journalctl -xb" to view\nGive root password for maintenance\n(or press Control-D to continue): ',
    ['emergency'],
  ],
  ['a getty', '\r\nDebian GNU/Linux 12 till-17 ttyS0\r\n\r\ntill-17 login: ', ['login']],
  [
    'a GRUB menu with colours',
    '\u001b[H\u001b[J\u001b[1;1H\u001b[0;37;40m  GNU\u001b[0m GRUB  version 2.06',
    ['boot_loader'],
  ],
];

test("UEFI's shell has nothing to boot only while it waits", () => {
  const signs = createConsoleSigns();
  signs.add('Press ESC in 5 seconds to skip startup.nsh or any other key to continue.\r\n\u001b[1mShell> ');
  expect(signs.has('nothing_to_boot')).toBe(true);
  expect(signs.wordsOf('nothing_to_boot')).toBe('Shell>');
  signs.add('');
  expect(signs.has('nothing_to_boot')).toBe(true);
  signs.add('fs0:\\linux.efi console=ttyS0\r\n');
  expect(signs.has('nothing_to_boot')).toBe(false);
  expect(signs.wordsOf('nothing_to_boot')).toBeUndefined();
});

test.each(recorded)('%s', (_, text, expected) => expect(signsOf(text)).toEqual(expected));

test.each(recorded)('%s, a few bytes at a time', (_, text, expected) =>
  expect(signsOf(text, 7)).toEqual(expected),
);

test.each([
  ['a greeting that names the last login', 'Last login: Sat Nov 21\n'],
  ['a shell of the firmware', 'BdsDxe: starting Boot0002 "EFI Internal Shell" from Fv(7C)\n'],
])('%s is no sign of life', (_, text) => {
  expect(signsOf(text)).not.toContain('login');
  expect(signsOf(text)).not.toContain('boot_loader');
});

test('words of a guest are cut', () => {
  const signs = createConsoleSigns();
  signs.add(`Kernel panic - not syncing: ${'x'.repeat(5000)}`);
  expect(signs.wordsOf('panic')).toHaveLength(200);
});
