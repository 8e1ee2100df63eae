import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../memory-source.ts';
import { openVolumes } from '../../open-volumes.ts';
import { luks } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-luks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const uuid = '0d4d2b5c-63f2-4c6e-9c0b-5a1f8a2b3c4d';
const clevisUuid = 'cb6e8904-81ff-40da-a84a-07ab9ab5715e';
let one: Buffer;
let two: Buffer;

function cryptsetup(words: readonly string[], input: string): void {
  execFileSync('cryptsetup', words, { input, stdio: ['pipe', 'pipe', 'pipe'] });
}

function made(name: string, words: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, '');
  truncateSync(path, 4 * 1024 * 1024);
  const quick = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--uuid', uuid];
  cryptsetup(['luksFormat', '-q', ...quick, ...words, path, '-'], 'password');
  return path;
}

/** What clevis puts before the first dot of its token. */
function jweHeader(clevis: object): string {
  return Buffer.from(JSON.stringify({ alg: 'dir', clevis, enc: 'A256GCM' })).toString('base64url');
}

const tpmPin = (registers: string) =>
  jweHeader({ pin: 'tpm2', tpm2: { hash: 'sha256', key: 'ecc', pcr_bank: 'sha256', pcr_ids: registers } });
const tangPin = jweHeader({ pin: 'tang', tang: { adv: {}, url: 'http://tang.example:7500' } });

beforeAll(() => {
  const second = made('two', [
    '--type',
    'luks2',
    '--label',
    'secret',
    '--luks2-keyslots-size',
    '512k',
    '--offset',
    '4096',
  ]);
  const tokens = [
    {
      type: 'systemd-tpm2',
      keyslots: ['0'],
      'tpm2-blob': 'AAAA',
      'tpm2-pcrs': [7, 11],
      'tpm2-pcr-bank': 'sha256',
      'tpm2-policy-hash': '00',
      'tpm2-pin': true,
    },
    { type: 'clevis', keyslots: ['0'], jwe: { protected: tpmPin('1,7'), ciphertext: '', iv: '', tag: '' } },
    { type: 'systemd-recovery', keyslots: ['0'] },
    {
      type: 'clevis',
      keyslots: ['0'],
      jwe: {
        protected: jweHeader({
          pin: 'sss',
          sss: { t: 1, p: 'AA', jwe: [`${tangPin}.a.b.c.d`, `${tpmPin('4')}.a.b.c.d`] },
        }),
      },
    },
  ];
  for (const token of tokens) cryptsetup(['token', 'import', second], JSON.stringify(token));
  two = readFileSync(second);
  const first = made('one', ['--type', 'luks1', '--cipher', 'aes-cbc-essiv:sha256', '--key-size', '256']);
  execFileSync('luksmeta', ['init', '-f', '-d', first], { stdio: 'pipe' });
  execFileSync('luksmeta', ['save', '-d', first, '-s', '1', '-u', clevisUuid], {
    input: `${tpmPin('0,7')}.a.b.c.d`,
  });
  one = readFileSync(first);
});

test('describes LUKS 2 as cryptsetup made it, with what opens it', () => {
  const source = memorySource(two);
  expect(luks.detect(source)).toEqual({ answer: 'yes' });
  expect(luks.describe(source)).toEqual({
    uuid,
    label: 'secret',
    properties: {
      version: 2,
      cipher: 'aes-xts-plain64',
      keySlots: 1,
      bindings:
        'systemd-tpm2 (sha256 PCRs 7, 11; with a PIN); clevis tpm2 (sha256 PCRs 1, 7); systemd-recovery; ' +
        'clevis sss; clevis tang ("http://tang.example:7500"); clevis tpm2 (sha256 PCRs 4)',
    },
  });
});

test('describes LUKS 1 and what clevis keeps beside it by luksmeta', () => {
  const source = memorySource(one);
  expect(luks.detect(source)).toEqual({ answer: 'yes' });
  expect(luks.describe(source)).toEqual({
    uuid,
    label: '',
    properties: {
      version: 1,
      cipher: 'aes-cbc-essiv:sha256',
      keySlots: 1,
      bindings: 'clevis tpm2 (sha256 PCRs 0, 7)',
    },
  });
});

test('is a gap that says what it is bound to', () => {
  expect(openVolumes(memorySource(one))).toMatchObject({
    volumes: [{ name: 'disk', container: { manager: 'luks', uuid, isRead: false } }],
    gaps: [
      {
        where: 'disk',
        reason: 'encrypted',
        detail: `The disk is encrypted by LUKS 1 (aes-cbc-essiv:sha256, ${uuid}), bound to clevis tpm2 (sha256 PCRs 0, 7); it was not read.`,
      },
    ],
  });
});

test('reads the second header when the first is damaged, or gone', () => {
  for (const damage of [
    (bytes: Buffer) => bytes.fill(0x11, 5000, 5010),
    (bytes: Buffer) => bytes.fill(0, 0, 4096),
  ]) {
    const damaged = Buffer.from(two);
    damage(damaged);
    expect(luks.detect(memorySource(damaged))).toEqual({ answer: 'yes' });
    expect(luks.describe(memorySource(damaged))).toMatchObject({ uuid, label: 'secret' });
  }
});

test('stays an encrypted gap when both headers are damaged', () => {
  const damaged = Buffer.from(two);
  damaged.fill(0x11, 5000, 5010);
  damaged.fill(0x11, 16_384 + 5000, 16_384 + 5010);
  expect(() => luks.describe(memorySource(damaged))).toThrow(
    expect.objectContaining({ code: 'volume_corrupt' }),
  );
  const { gaps } = openVolumes(memorySource(damaged));
  expect(gaps).toMatchObject([
    { where: 'disk', reason: 'encrypted', detail: expect.stringContaining('checksum') },
  ]);
});

test('whatever is changed in a header, the answer is one encrypted gap', () => {
  const changes = fc.array(fc.tuple(fc.nat(40_000), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(changes, fc.boolean(), fc.nat(300_000), (places, isOne, length) => {
      const original = (isOne ? one : two).subarray(0, Math.max(length, 40_001));
      const damaged = Buffer.from(original);
      for (const [at, value] of places) damaged[at % (isOne ? 592 : 40_000)] = value;
      const assembly = luks.assemble([{ name: 'partition 1', bytes: memorySource(damaged) }]);
      expect(assembly).toMatchObject({ volumes: [], gaps: [{ where: 'partition 1', reason: 'encrypted' }] });
    }),
    { numRuns: 150 },
  );
});
