import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseFirmware } from './choose-firmware.ts';
import { hasPlatformKey } from './has-platform-key.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'firmware-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A variable as EDK II stores it. */
function variable(name: string, state: number, data: string): Buffer {
  const header = Buffer.alloc(60);
  header.writeUInt16LE(0x55aa, 0);
  header.writeUInt8(state, 2);
  header.writeUInt32LE(name.length * 2 + 2, 36);
  header.writeUInt32LE(data.length, 40);
  header.write('61dfe48bca93d211aa0d00e098032b8c', 44, 'hex');
  return Buffer.concat([header, Buffer.from(`${name}\0`, 'utf16le'), Buffer.from(data)]);
}

test.each([
  ['a platform key', variable('PK', 0x3f, 'key'), true],
  ['one that was deleted', variable('PK', 0x3c, 'key'), false],
  ['an empty one', variable('PK', 0x3f, ''), false],
  ['another key', variable('KEK', 0x3f, 'key'), false],
  ['its name alone', variable('PK', 0x3f, 'key').subarray(40), false],
  ['nothing', Buffer.alloc(0), false],
])('%s', (_, bytes, expected) => expect(hasPlatformKey(bytes)).toBe(expected));

test.runIf(existsSync('/usr/share/OVMF/OVMF_VARS_4M.ms.fd'))('OVMF with the keys of Microsoft', () => {
  expect(hasPlatformKey(readFileSync('/usr/share/OVMF/OVMF_VARS_4M.ms.fd'))).toBe(true);
  expect(hasPlatformKey(readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd'))).toBe(false);
});

test('an image by itself has a BIOS, a machine without variables too', async () => {
  expect(await chooseFirmware(undefined, 'bios')).toEqual({ kind: 'bios' });
  expect(await chooseFirmware({ uefiVariables: null, boot: null }, 'uefi')).toEqual({ kind: 'bios' });
});

test('code is chosen by the size of the variables, and Secure Boot by its key', async () => {
  const path = join(folder, 'vars.fd');
  const machine = { uefiVariables: { path }, boot: null };
  writeFileSync(path, Buffer.alloc(528 * 1024));
  expect(await chooseFirmware(machine, 'bios')).toEqual({
    kind: 'uefi',
    code: '/usr/share/OVMF/OVMF_CODE_4M.fd',
    variables: path,
    secureBoot: false,
  });
  writeFileSync(path, Buffer.concat([variable('PK', 0x3f, 'key'), Buffer.alloc(528 * 1024)], 528 * 1024));
  expect(await chooseFirmware(machine, 'bios')).toMatchObject({
    code: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd',
    secureBoot: true,
  });
  writeFileSync(path, 'other');
  await expect(chooseFirmware(machine, 'bios')).rejects.toMatchObject({ code: 'machine_unsupported' });
});
