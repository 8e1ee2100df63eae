import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openHostState } from '../definitions/host-state.ts';
import { openServiceKey, readPublicKey } from './service-key.ts';
import { type Statement, signStatement, verifyStatement } from './statement.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coldpatch-statement-')));
afterAll(() => rmSync(folder, { recursive: true }));

const host = await openHostState(join(folder, 'state'));
const key = await openServiceKey(host);
const statement: Statement = {
  predicateType: 'urn:test',
  subjects: [{ name: 'disk', sha256: 'ab'.repeat(32) }],
  predicate: { words: 'größer', number: 1 },
};

test('the key is made once, for its owner alone', async () => {
  expect(await openServiceKey(host)).toMatchObject({ id: key.id });
  expect(statSync(host.privateKey).mode & 0o7777).toBe(0o600);
  const known = await readPublicKey(host.publicKey);
  const text = signStatement(statement, key);
  expect(verifyStatement(text, [known], 'here')).toEqual(statement);
  const broken = await openHostState(join(folder, 'broken'));
  writeFileSync(broken.privateKey, 'no key');
  await expect(openServiceKey(broken)).rejects.toMatchObject({ code: 'signature_invalid' });
  expect(readFileSync(broken.privateKey, 'utf8')).toBe('no key');
  const other = join(folder, 'other.pub');
  writeFileSync(
    other,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }),
  );
  await expect(readPublicKey(other)).rejects.toMatchObject({ code: 'signature_invalid' });
});

interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

test.each<[string, (envelope: Envelope) => unknown]>([
  [
    'another payload',
    (envelope) => ({
      ...envelope,
      payload: Buffer.from(
        Buffer.from(envelope.payload, 'base64').toString().replace('"number":1', '"number":2'),
      ).toString('base64'),
    }),
  ],
  ['another type', (envelope) => ({ ...envelope, payloadType: 'application/json' })],
  ['no signature', (envelope) => ({ ...envelope, signatures: [] })],
  [
    'a foreign key id',
    (envelope) => ({ ...envelope, signatures: [{ ...envelope.signatures[0], keyid: '00' }] }),
  ],
  ['further keys', (envelope) => ({ ...envelope, more: true })],
])('a statement with %s is refused', (_, change) => {
  const envelope = JSON.parse(signStatement(statement, key)) as Envelope;
  const refused = expect.objectContaining({ code: 'signature_invalid' });
  expect(() => verifyStatement(JSON.stringify(change(envelope)), [key.publicKey], 'here')).toThrow(refused);
});

test('a statement of another host is refused', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const text = signStatement(statement, key);
  expect(() => verifyStatement(text, [publicKey], 'here')).toThrow(/not signed by an accepted key/);
  expect(() => verifyStatement(text.slice(0, 50), [key.publicKey], 'here')).toThrow(/not one of ours/);
});
