import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { memorySource } from '../../../disk/memory-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { writePe } from '../fixtures/write-pe.ts';
import { readBootProgram } from '../read-boot-program.ts';
import { authenticodeDigest } from './authenticode-digest.ts';
import { parsePe, type PeFile } from './parse-pe.ts';
import { readSection } from './read-section.ts';
import { readSignatures } from './read-signatures.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-pe-'));
afterAll(() => rmSync(folder, { recursive: true }));

function parsed(bytes: Uint8Array): PeFile {
  const pe = parsePe(memorySource(bytes));
  if (pe === undefined) throw new Error('Expected a program.');
  return pe;
}

test('the digest is the one that Debian signed, of its kernel', () => {
  const kernel = readdirSync('/boot').find((name) => name.startsWith('vmlinuz-'));
  const bytes = readFileSync(`/boot/${kernel}`);
  const [signature] = readSignatures(memorySource(bytes), parsed(bytes));
  const digest = authenticodeDigest(memorySource(bytes), parsed(bytes));
  expect(Buffer.from(signature?.content ?? []).includes(Buffer.from(digest, 'hex'))).toBe(true);
  expect(signature?.certificates.map((der) => new X509Certificate(der).subject)).toEqual([
    expect.stringContaining('Debian Secure Boot Signer'),
  ]);
  expect(readBootProgram(memorySource(bytes), { withIdentity: false })?.kind).toBe('kernel');
});

test('the digest does not change when sbsign signs, and is what it signs', () => {
  const [key, certificate, plain, signed] = ['key.pem', 'cert.pem', 'plain.efi', 'signed.efi'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const subject = ['-subj', '/CN=coldpatch test', '-keyout', key, '-out', certificate, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', ...subject], { stdio: 'pipe' });
  const bytes = writePe({ '.text': 'code', '.sbat': 'sbat,1,x\n', '.vendor_cert': 'long name' });
  // The programs of sbsigntool fill a file up to a border of eight bytes before they count it.
  const whole = Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)]);
  writeFileSync(plain, whole);
  execFileSync('sbsign', ['--key', key, '--cert', certificate, '--output', signed, plain], { stdio: 'pipe' });
  execFileSync('sbverify', ['--cert', certificate, signed], { stdio: 'pipe' });
  const result = readFileSync(signed);
  const digest = authenticodeDigest(memorySource(result), parsed(result));
  expect(digest).toBe(authenticodeDigest(memorySource(whole), parsed(whole)));
  const signatures = readSignatures(memorySource(result), parsed(result));
  expect(signatures).toHaveLength(1);
  expect(Buffer.from(signatures[0]?.content ?? []).toString('hex')).toContain(digest);
  const [der] = signatures[0]?.certificates ?? [];
  expect(new X509Certificate(der ?? '').fingerprint256).toBe(
    new X509Certificate(readFileSync(certificate)).fingerprint256,
  );
  const changed = Buffer.from(result);
  changed[600] = 0x55;
  expect(authenticodeDigest(memorySource(changed), parsed(changed))).not.toBe(digest);
});

test('sections have their long names, and end where their content ends', () => {
  const bytes = writePe({ '.text': 'code', '.vendor_cert': 'of whom', '.sbatlevel': '' });
  expect(parsed(bytes).sections.map(({ name }) => name)).toEqual(['.text', '.vendor_cert', '.sbatlevel']);
  expect(readSection(memorySource(bytes), parsed(bytes), '.vendor_cert', 100)?.toString()).toBe('of whom');
  expect(readSection(memorySource(bytes), parsed(bytes), '.none', 100)).toBeUndefined();
  expect(() => readSection(memorySource(bytes), parsed(bytes), '.vendor_cert', 6)).toThrow(
    expect.objectContaining({ code: 'limit_exceeded' }),
  );
});

test('what does not begin as a program is none', () => {
  expect(parsePe(memorySource(Buffer.from('#!/bin/sh')))).toBeUndefined();
  expect(parsePe(memorySource(Buffer.alloc(1000)))).toBeUndefined();
});

test.each<[string, (bytes: Buffer) => void]>([
  ['a place of the header outside', (bytes) => void bytes.writeUInt32LE(0xfffffff0, 0x3c)],
  ['another magic', (bytes) => void bytes.writeUInt32LE(1, 0x80)],
  ['neither 32 nor 64 bits', (bytes) => void bytes.writeUInt16LE(0x107, 0x98)],
  ['headers longer than the file', (bytes) => void bytes.writeUInt32LE(0x7fffffff, 0x98 + 60)],
  ['too many sections', (bytes) => void bytes.writeUInt16LE(0xffff, 0x86)],
  ['a section outside', (bytes) => void bytes.writeUInt32LE(0x7fffffff, 0x98 + 240 + 16)],
  ['signatures outside', (bytes) => void bytes.writeUInt32LE(0x7fffffff, 0x98 + 112 + 36)],
])('refuses %s', (_, damage) => {
  const bytes = writePe({ '.text': 'code' });
  damage(bytes);
  expect(() => parsePe(memorySource(bytes))).toThrow(
    expect.objectContaining({ code: 'boot_program_corrupt' }),
  );
});

test('sections that overlap are not counted again and again', () => {
  const bytes = writePe({ '.a': 'a'.repeat(2000), '.b': 'b' });
  const second = 0x98 + 240 + 40;
  bytes.writeUInt32LE(2048, second + 16);
  bytes.writeUInt32LE(bytes.readUInt32LE(0x98 + 240 + 20), second + 20);
  expect(() => authenticodeDigest(memorySource(bytes), parsed(bytes))).toThrow(
    expect.objectContaining({ code: 'boot_program_corrupt' }),
  );
});

test('whatever is changed in a program, the answer is a program or an error of ours', () => {
  const original = writePe({
    '.sbat': 'sbat,1,x\nshim,4,UEFI shim\n',
    '.sbatlevel': Buffer.from('\0\0\0\0\x08\0\0\0\x20\0\0\0sbat,1,2024010900\nshim,4\n\0', 'latin1'),
    '.vendor_cert': 'x',
  });
  const changes = fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(changes, fc.nat(original.length), (places, length) => {
      const damaged = Buffer.from(original.subarray(0, Math.max(length, 400)));
      for (const [at, value] of places) if (at < damaged.length) damaged[at] = value;
      try {
        readBootProgram(memorySource(damaged), { withIdentity: true });
      } catch (error) {
        expect(isColdpatchError(error, 'boot_program_corrupt', 'limit_exceeded')).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('any bytes are signatures or an error of ours', () => {
  const pe = { certificates: { offset: 0, size: 0 } } as PeFile;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), (bytes) => {
      const entry = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 2, 2, 0]), bytes]);
      entry.writeUInt32LE(entry.length, 0);
      try {
        readSignatures(memorySource(entry), { ...pe, certificates: { offset: 0, size: entry.length } });
      } catch (error) {
        expect(isColdpatchError(error, 'boot_program_corrupt')).toBe(true);
      }
    }),
  );
});
