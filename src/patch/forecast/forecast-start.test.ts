import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Signature } from '../../disk/uefi-variables/parse-signature-lists.ts';
import { parseSbat } from '../../guest/measured-boot/parse-sbat.ts';
import { derChildren, derValue } from '../../guest/measured-boot/pe/der.ts';
import { parseSbatLevel } from '../../guest/measured-boot/sbat-level.ts';
import type { SecureBootState } from '../../guest/measured-boot/secure-boot-state.ts';
import type { BootProgram, MeasuredBoot } from '../../guest/measured-boot/types.ts';
import { forecastStart } from './forecast-start.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-signed-'));
afterAll(() => rmSync(folder, { recursive: true }));

let authority: Buffer;
let signer: Buffer;
let stranger: Buffer;

function certificate(name: string, words: readonly string[]): Buffer {
  const path = (ending: string) => join(folder, `${name}.${ending}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path('key')];
  execFileSync('openssl', ['req', '-x509', ...key, '-subj', `/CN=${name}`, '-out', path('pem'), ...words], {
    stdio: 'pipe',
  });
  return new X509Certificate(readFileSync(path('pem'))).raw;
}

beforeAll(() => {
  authority = certificate('authority', []);
  stranger = certificate('stranger', []);
  const issuer = ['-CA', join(folder, 'authority.pem'), '-CAkey', join(folder, 'authority.key')];
  signer = certificate('signer', issuer);
});

const digest = 'ab'.repeat(32);
const x509 = (data: Uint8Array): Signature => ({ kind: 'x509', data });
const sha256 = (hex: string): Signature => ({ kind: 'sha256', data: Buffer.from(hex, 'hex') });

function program(
  kind: BootProgram['kind'],
  sbat: string,
  certificates: readonly Uint8Array[] = [signer],
): BootProgram {
  return {
    volume: 'partition 1',
    path: `/EFI/${kind}.efi`,
    kind,
    sbat: parseSbat(Buffer.from(sbat)),
    identity: {
      digest,
      signatures:
        certificates.length === 0 ? [] : [{ certificates, content: Buffer.from(`3030${digest}`, 'hex') }],
    },
  };
}

function boot(...programs: readonly BootProgram[]): MeasuredBoot {
  return { firmware: ['uefi'], programs, keys: [], unreadKeys: [], gaps: [] };
}

function state(more: Partial<SecureBootState> = {}): SecureBootState {
  const level = parseSbatLevel(Buffer.from('sbat,1,2024010900\nshim,4\ngrub,3\n'));
  return { isEnforced: true, shimValidates: true, allowed: [x509(authority)], forbidden: [], level, ...more };
}

const chain = () => boot(program('shim', 'shim,4'), program('grub', 'grub,5\ngrub.debian,5'));

function reasons(machine: MeasuredBoot, secureBoot: SecureBootState, present = machine): readonly string[] {
  return forecastStart(machine, secureBoot, present).programs.flatMap(({ because }) => because);
}

test('a chain that is signed and new enough starts', () => {
  expect(forecastStart(chain(), state(), chain())).toMatchObject({
    isRefused: 'no',
    sbatLevel: '2024010900',
    programs: [
      { kind: 'shim', isRefused: false, because: [], sha256: digest, sbat: ['shim,4'] },
      { kind: 'grub', isRefused: false, because: [] },
    ],
  });
});

test('a generation below the level is refused, with the level that asks for more', () => {
  const old = boot(program('shim', 'shim,4'), program('grub', 'grub,2\ngrub.debian,1'));
  expect(forecastStart(old, state(), chain()).isRefused).toBe('yes');
  expect(reasons(old, state())).toEqual([
    'SBAT asks for grub of generation 3 at least (level 2024010900), and it is 2',
  ]);
  expect(reasons(boot(program('shim', 'shim,3'), program('grub', 'grub,5')), state())).toHaveLength(1);
});

test('the shim of the present image may bring a later level than the variables have', () => {
  const level = parseSbatLevel(Buffer.from('sbat,1,2025021800\nshim,4\ngrub,6\n'));
  const present = boot({ ...program('shim', 'shim,4'), level });
  expect(forecastStart(chain(), state(), present)).toMatchObject({
    isRefused: 'yes',
    sbatLevel: '2025021800',
  });
});

test('without SBAT shim starts no boot loader, but a kernel', () => {
  expect(
    reasons(boot(program('shim', 'shim,4'), program('grub', ''), program('kernel', '')), state()),
  ).toEqual(['it has no SBAT, which shim asks for']);
});

test('dbx forbids a program by its digest, its certificate, its issuer and the digest of its certificate', () => {
  const signedPart = createHash('sha256')
    .update(derChildren(derValue(signer))[0]?.whole ?? '')
    .digest();
  const revocation: Signature = { kind: 'x509-sha256', data: Buffer.concat([signedPart, Buffer.alloc(16)]) };
  const shim = boot(program('shim', 'shim,4'));
  expect(reasons(shim, state({ forbidden: [sha256(digest)] }))).toEqual(['dbx forbids this very program']);
  for (const entry of [x509(signer), x509(authority), revocation]) {
    expect(reasons(shim, state({ forbidden: [entry] }))).toEqual([
      'dbx forbids a certificate that it is signed with',
    ]);
  }
  const others: readonly Signature[] = [x509(stranger), sha256('00'.repeat(32)), x509(Buffer.from('junk'))];
  expect(reasons(shim, state({ forbidden: others }))).toEqual([]);
});

test('the firmware starts only what db names, and shim more', () => {
  expect(reasons(boot(program('shim', 'shim,4', [stranger])), state())).toEqual([
    'no certificate in db issued one that it is signed with',
  ]);
  expect(reasons(boot(program('shim', 'shim,4', [])), state())).toEqual(['it is not signed']);
  expect(reasons(boot(program('shim', 'shim,4', [])), state({ allowed: [sha256(digest)] }))).toEqual([]);
  const moved = program('shim', 'shim,4');
  const identity = { digest: '00'.repeat(32), signatures: moved.identity?.signatures ?? [] };
  expect(reasons(boot({ ...moved, identity }), state())).toEqual(['its signatures are of another program']);
  expect(reasons(boot(program('shim', 'shim,4'), program('grub', 'grub,5', [stranger])), state())).toEqual(
    [],
  );
  expect(reasons(boot(program('grub', 'grub,5', [stranger])), state())).toHaveLength(1);
});

test('nothing is refused when Secure Boot is off, and what would be is said', () => {
  const old = boot(program('shim', 'shim,1'), program('grub', 'grub,1'));
  const off = forecastStart(old, state({ isEnforced: false }), old);
  expect(off.isRefused).toBe('no');
  expect(off.programs.map(({ isRefused, because }) => [isRefused, because.length])).toEqual([
    [false, 1],
    [false, 1],
  ]);
  const lax = boot(program('shim', 'shim,4'), program('grub', 'grub,1'));
  expect(forecastStart(lax, state({ shimValidates: false }), lax).isRefused).toBe('no');
});

test('one copy of two that is refused, or nothing that was read, is no certain answer', () => {
  const both = boot(program('shim', 'shim,4'), program('grub', 'grub,1'), program('grub', 'grub,5'));
  expect(forecastStart(both, state(), both).isRefused).toBe('possibly');
  expect(forecastStart(boot(), state(), boot()).isRefused).toBe('possibly');
});
