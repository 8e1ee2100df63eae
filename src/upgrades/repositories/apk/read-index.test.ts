import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { readIndex } from './read-index.ts';
import { verifyIndex } from './verify-index.ts';

/** A tar archive (POSIX.1-1988) of one file, without an end. */
function tarOf(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')} `, 124);
  header.write(`${(1_700_000_000).toString(8).padStart(11, '0')} `, 136);
  header.write('        0', 148);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

const list = gzipSync(tarOf('APKINDEX', Buffer.from('P:a\nV:1-r0\nA:x86_64\nF:more\n\nP:b\nV:2-r0\n')));
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const signature = gzipSync(tarOf('.SIGN.RSA256.k', sign('sha256', list, privateKey)));
const signed = Buffer.concat([signature, list]);
const options = { what: 'x', keys: [{ name: 'k', key: publicKey }], allowUnsigned: false };

test('the packages and the time of a list', async () => {
  const found: unknown[] = [];
  expect(await readIndex(list, 'x', (one) => found.push(one))).toEqual(new Date(1_700_000_000_000));
  expect(found).toEqual([
    { name: 'a', version: '1-r0', architecture: 'x86_64' },
    { name: 'b', version: '2-r0', architecture: 'noarch' },
  ]);
});

test('what is signed is what stands behind the signature, as it is packed', async () => {
  const verified = await verifyIndex(signed, options);
  expect([verified.isSigned, verified.text.equals(list)]).toEqual([true, true]);
  expect(gunzipSync(signed).length).toBeGreaterThan(gunzipSync(list).length);
});

test.each([
  ['no key of the name', { keys: [{ name: 'other', key: publicKey }] }, signed],
  [
    'a digest that is not known',
    {},
    Buffer.concat([gzipSync(tarOf('.SIGN.MD5.k', Buffer.alloc(128))), list]),
  ],
  [
    'a key too small for the digest',
    {
      keys: [
        { name: 'k', key: createPublicKey(generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey) },
      ],
    },
    Buffer.concat([gzipSync(tarOf('.SIGN.RSA512.k', Buffer.alloc(64))), list]),
  ],
])('with %s it is refused', async (_, changed, bytes) => {
  await expect(verifyIndex(bytes, { ...options, ...changed })).rejects.toMatchObject({
    code: 'repository_signature',
  });
});

test('of any bytes they never make them throw anything else, nor pass', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const bytes = Buffer.from(signed);
      bytes[at] = (bytes[at] ?? 0) ^ change;
      const verified = await verifyIndex(bytes, options).catch((error: unknown) => error);
      // Only what says nothing of the signed bytes may be altered: a time in the header of the first member, say.
      if (verified instanceof Error) expect(verified).toBeInstanceOf(ColdpatchError);
      else expect((verified as { readonly text: Buffer }).text.equals(list)).toBe(true);
      const read = await readIndex(bytes.subarray(signature.length), 'x', () => {}).catch(
        (error: unknown) => error,
      );
      if (read instanceof Error) expect(read).toBeInstanceOf(ColdpatchError);
    }),
  );
});
