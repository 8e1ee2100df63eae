import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Volume } from '../../disk/types.ts';
import { memoryFilesystem } from '../fixtures/memory-filesystem.ts';
import { memoryImage } from '../fixtures/memory-image.ts';
import { writePe } from './fixtures/write-pe.ts';
import { readMeasuredBoot } from './read-measured-boot.ts';

const espType = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const sbat = (text: string) => `sbat,1,SBAT Version\n${text}\n`;
const shim = writePe({ '.vendor_cert': 'debian', '.sbat': sbat('shim,4,UEFI shim') });
const manager = writePe({ '.text': 'x', '.sbat': sbat('shim,4,UEFI shim') });
const grub = writePe({ mods: 'one\0tpm\0two', '.sbat': sbat('grub,5,GNU') });
const silentGrub = writePe({ mods: 'one\0tpmless\0two', '.sbat': sbat('grub,5,GNU') });
const systemdBoot = writePe({
  '.sdmagic': '#### LoaderInfo: systemd-boot 252 ####',
  '.sbat': sbat('systemd,1'),
});
const uki = writePe({
  '.sdmagic': '#### LoaderInfo: systemd-stub 252 ####',
  '.linux': 'MZ',
  '.osrel': 'ID=x',
});

function imageOf(files: Parameters<typeof memoryFilesystem>[0]) {
  return memoryImage([
    { type: espType, filesystem: memoryFilesystem(files) },
    { filesystem: memoryFilesystem({}) },
  ]);
}

test('names what starts the machine', () => {
  const image = imageOf({
    'EFI/debian/shimx64.efi': shim,
    'EFI/debian/mmx64.EFI': manager,
    'EFI/debian/grubx64.efi': grub,
    'EFI/debian/old/deep/grub.efi': silentGrub,
    'EFI/systemd/systemd-bootx64.efi': systemdBoot,
    'EFI/Linux/debian.efi': uki,
    'EFI/debian/grub.cfg': 'search',
    'EFI/debian/text.efi': 'no program',
    'elsewhere.efi': shim,
  });
  const boot = readMeasuredBoot(image, { withIdentity: false });
  expect(boot.firmware).toEqual(['uefi']);
  expect(boot.gaps).toEqual([]);
  expect(boot.programs.map(({ path, kind, measures }) => [path, kind, measures])).toEqual([
    ['/EFI/Linux/debian.efi', 'uki', undefined],
    ['/EFI/debian/grubx64.efi', 'grub', true],
    ['/EFI/debian/mmx64.EFI', 'shim-helper', undefined],
    ['/EFI/debian/shimx64.efi', 'shim', undefined],
    ['/EFI/systemd/systemd-bootx64.efi', 'systemd-boot', undefined],
    ['/EFI/debian/old/deep/grub.efi', 'grub', false],
  ]);
  expect(boot.programs[1]?.sbat[1]).toMatchObject({ name: 'grub', generation: 5 });
  expect(boot.programs[1]).not.toHaveProperty('identity');
});

test('computes digests when asked', () => {
  const boot = readMeasuredBoot(imageOf({ 'efi/boot/bootx64.efi': shim }), { withIdentity: true });
  expect(boot.programs[0]?.identity).toEqual({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    signatures: [],
  });
});

test('what cannot be read is a gap', () => {
  const broken = Buffer.from(shim);
  broken.writeUInt32LE(0x7fffffff, 0x98 + 60);
  const files = Object.fromEntries(
    Array.from({ length: 70 }, (_, index) => [`EFI/many/${index}.efi`, manager]),
  );
  const boot = readMeasuredBoot(
    imageOf({ 'EFI/BOOT/BOOTX64.EFI': broken, 'EFI/BOOT/huge.efi': { sparse: 1n << 50n }, ...files }),
    { withIdentity: true },
  );
  expect(boot.gaps).toEqual([
    { where: 'partition 1', reason: 'limit', detail: '72 programs, 64 read' },
    expect.objectContaining({ where: 'partition 1:/EFI/BOOT/BOOTX64.EFI', reason: 'corrupt' }),
  ]);
  const unread = memoryImage([{ type: espType }]);
  expect(readMeasuredBoot(unread, { withIdentity: false }).gaps).toMatchObject([{ reason: 'unsupported' }]);
});

test('a volume whose headers are damaged, or that is of BitLocker, is a key that was not read', () => {
  const image = imageOf({});
  const sealed = (name: string, managerId: 'luks' | 'bitlocker'): Volume => ({
    name,
    start: 0n,
    size: 4096n,
    bytes: { size: 4096n, read: (_offset, into) => void into.fill(0) },
    container: { manager: managerId, uuid: '', label: '', properties: {}, isRead: false },
  });
  const volumes = [...image.volumes, sealed('partition 8', 'luks'), sealed('partition 9', 'bitlocker')];
  const boot = readMeasuredBoot({ ...image, volumes }, { withIdentity: false });
  expect(boot.unreadKeys).toEqual(['partition 8', 'partition 9']);
  expect(boot.gaps.map(({ where, reason }) => [where, reason])).toEqual([
    ['partition 8', 'corrupt'],
    ['partition 9', 'encrypted'],
  ]);
});

test('never throws for what the programs hold', () => {
  const parts = [shim, grub, uki, systemdBoot];
  fc.assert(
    fc.property(fc.nat(parts.length - 1), fc.array(fc.tuple(fc.nat(1500), fc.nat(255))), (which, changes) => {
      const damaged = Buffer.from(parts[which] ?? shim);
      for (const [at, value] of changes) damaged[at % damaged.length] = value;
      const boot = readMeasuredBoot(imageOf({ 'EFI/a.efi': damaged }), { withIdentity: true });
      expect(boot.programs.length + boot.gaps.length).toBeLessThan(2);
    }),
    { numRuns: 100 },
  );
});
