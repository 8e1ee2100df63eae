import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BootProgram, BoundKey, MeasuredBoot } from '../../guest/measured-boot/types.ts';
import { bootChangeKinds, type BootChange } from './boot-changes.ts';
import { makeForecast } from './make-forecast.ts';
import type { Likelihood } from './types.ts';

function program(kind: BootProgram['kind'], more: Partial<BootProgram> = {}): BootProgram {
  return { volume: 'partition 1', path: `/EFI/${kind}.efi`, kind, sbat: [], ...more };
}

function key(binding: Partial<BoundKey['binding']>, volume = 'partition 3'): BoundKey {
  const kind = 'systemd-tpm2';
  return {
    volume,
    binding: { kind, registers: [], signedRegisters: [], isLockedInTpm: false, needsPin: false, ...binding },
  };
}

function boot(programs: readonly BootProgram[], keys: readonly BoundKey[] = []): MeasuredBoot {
  return { firmware: ['uefi'], programs, keys, unreadKeys: [], gaps: [] };
}

const shimAndGrub = [program('shim'), program('grub', { measures: true })];
const changed = (...kinds: BootChange['kind'][]): BootChange[] =>
  kinds.map((kind) => ({ kind, isCertain: true, packages: ['a-package'] }));

function moved(machine: MeasuredBoot, ...kinds: BootChange['kind'][]): Record<string, Likelihood> {
  const { registers } = makeForecast(machine, changed(...kinds));
  return Object.fromEntries(
    registers.flatMap(({ register, moves }) => (moves === 'no' ? [] : [[register, moves]])),
  );
}

test.each<[string, MeasuredBoot, BootChange['kind'], Record<string, Likelihood>]>([
  ['shim and GRUB', boot(shimAndGrub), 'shim', { 4: 'yes', 7: 'possibly', 14: 'possibly' }],
  ['shim and GRUB', boot(shimAndGrub), 'grub', { 4: 'yes', 9: 'possibly' }],
  ['shim and GRUB', boot(shimAndGrub), 'kernel', { 4: 'possibly', 9: 'yes' }],
  ['shim and GRUB', boot(shimAndGrub), 'initramfs', { 9: 'yes' }],
  ['shim and GRUB', boot(shimAndGrub), 'boot-menu', { 8: 'yes', 9: 'yes' }],
  ['shim and GRUB', boot(shimAndGrub), 'systemd-boot', {}],
  ['shim and GRUB', boot(shimAndGrub), 'secure-boot-keys', { 7: 'possibly' }],
  ['GRUB without its module', boot([program('grub', { measures: false })]), 'kernel', { 4: 'possibly' }],
  ['GRUB without its module', boot([program('grub', { measures: false })]), 'initramfs', { 9: 'possibly' }],
  ['GRUB without its module', boot([program('grub', { measures: false })]), 'boot-menu', {}],
  ['systemd-boot', boot([program('systemd-boot')]), 'kernel', { 4: 'yes', 12: 'possibly' }],
  ['systemd-boot', boot([program('systemd-boot')]), 'initramfs', { 9: 'possibly' }],
  ['a unified image', boot([program('uki')]), 'kernel', { 4: 'yes', 11: 'yes' }],
  ['a unified image', boot([program('uki')]), 'initramfs', { 4: 'yes', 9: 'possibly', 11: 'yes' }],
  ['a unified image', boot([program('uki')]), 'grub', {}],
  [
    'two boot loaders',
    boot([...shimAndGrub, program('systemd-boot')]),
    'boot-menu',
    { 8: 'possibly', 9: 'possibly' },
  ],
  ['nothing that was read', boot([]), 'kernel', { 4: 'possibly', 9: 'possibly', 11: 'possibly' }],
  ['BIOS', { ...boot([]), firmware: ['bios'] }, 'kernel', {}],
  ['BIOS', { ...boot([]), firmware: ['bios'] }, 'grub', { 4: 'possibly' }],
])('with %s %# a change of one thing moves what it is measured into', (_, machine, kind, expected) => {
  expect(moved(machine, kind)).toEqual(expected);
});

test.each<[string, readonly BoundKey[], Likelihood]>([
  ['no key', [], 'no'],
  ['a key bound to PCR 7', [key({ registers: [7] })], 'no'],
  ['a key bound to PCR 9', [key({ registers: [7, 9] })], 'yes'],
  ['a key bound to signed values of PCR 9', [key({ registers: [7], signedRegisters: [9] })], 'possibly'],
  ['a key that systemd-pcrlock keeps', [key({ isLockedInTpm: true })], 'possibly'],
  ['a key that needs nothing but the TPM', [key({})], 'no'],
  ['a recovery key alone, which is asked for at each start', [key({ kind: 'systemd-recovery' })], 'no'],
  ['one that fails and another that opens', [key({ registers: [9] }), key({ kind: 'clevis tang' })], 'no'],
  ['one of two volumes', [key({ registers: [9] }), key({ registers: [7] }, 'partition 4')], 'yes'],
  [
    'a part of a shared secret',
    [key({ kind: 'clevis sss' }), key({ kind: 'clevis tpm2', registers: [9] }), key({ kind: 'clevis tang' })],
    'possibly',
  ],
])('with %s a new initramfs asks for the recovery key: %#', (_, keys, expected) => {
  expect(makeForecast(boot(shimAndGrub, keys), changed('initramfs')).asksForRecoveryKey).toBe(expected);
});

test('names bank, registers and mask of a key, and why it fails', () => {
  const keys = [key({ registers: [7, 9], bank: 'sha256' })];
  expect(makeForecast(boot(shimAndGrub, keys), changed('initramfs')).keys).toEqual([
    {
      volume: 'partition 3',
      kind: 'systemd-tpm2',
      bank: 'sha256',
      registers: [7, 9],
      mask: '0x280',
      signedRegisters: [],
      failsToOpen: 'yes',
      because: 'PCR 9 gets another value',
    },
  ]);
});

test('an encrypted volume that was not read may ask', () => {
  const machine = { ...boot(shimAndGrub), unreadKeys: ['partition 3'] };
  expect(makeForecast(machine, changed('kernel')).asksForRecoveryKey).toBe('possibly');
  expect(makeForecast(machine, []).asksForRecoveryKey).toBe('no');
});

test('an upgrade that may change something moves nothing for sure, and none moves nothing', () => {
  const [uncertain] = changed('boot-menu').map((change) => ({ ...change, isCertain: false }));
  const { registers } = makeForecast(boot(shimAndGrub), uncertain ? [uncertain] : []);
  expect(registers.map(({ moves }) => moves)).toEqual(['no', 'no', 'possibly', 'possibly', 'no']);
  expect(
    makeForecast(boot(shimAndGrub), []).registers.map(({ register, moves }) => [register, moves]),
  ).toEqual([4, 7, 8, 9, 11].map((register) => [register, 'no']));
});

test('more changes never make a forecast milder', () => {
  const order: readonly Likelihood[] = ['no', 'possibly', 'yes'];
  const registers = fc.uniqueArray(fc.nat(23), { maxLength: 4 });
  const kinds = fc.subarray([...bootChangeKinds]);
  fc.assert(
    fc.property(
      kinds,
      kinds,
      registers,
      fc.subarray([...shimAndGrub, program('uki')]),
      (some, more, bound, programs) => {
        const machine = boot(programs, [key({ registers: bound })]);
        const few = makeForecast(machine, changed(...some));
        const many = makeForecast(machine, changed(...new Set([...some, ...more])));
        expect(order.indexOf(many.asksForRecoveryKey)).toBeGreaterThanOrEqual(
          order.indexOf(few.asksForRecoveryKey),
        );
        const forSure = few.registers.filter(({ moves }) => moves === 'yes').map(({ register }) => register);
        const fails = forSure.some((register) => bound.includes(register));
        expect(few.asksForRecoveryKey === 'yes').toBe(fails);
      },
    ),
  );
});
