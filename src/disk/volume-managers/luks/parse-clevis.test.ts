import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isColdpatchError } from '../../../lib/errors.ts';
import { parseClevis, parseRegisters } from './parse-clevis.ts';
import { parseToken } from './parse-token.ts';

function headerOf(clevis: unknown): string {
  return Buffer.from(JSON.stringify({ clevis })).toString('base64url');
}

test('stops in shares of shares', () => {
  let header = headerOf({ pin: 'tang', tang: { url: 'http://deep' } });
  for (let level = 0; level < 6; level += 1)
    header = headerOf({ pin: 'sss', sss: { jwe: [`${header}.a.b`] } });
  const kinds = parseClevis(header).map(({ kind }) => kind);
  expect(kinds).toEqual(['clevis sss', 'clevis sss', 'clevis sss', 'clevis sss']);
});

test.each([
  ['7', [7]],
  ['16,0,7,7', [0, 7, 16]],
  [
    [7, 11],
    [7, 11],
  ],
  [['4'], [4]],
  ['', []],
  [undefined, []],
  [[-1, 99, 1.5, null], []],
])('%j are the registers %j', (value, registers) => {
  expect(parseRegisters(value)).toEqual(registers);
});

test('names pins and tokens that it does not know, quoted', () => {
  expect(parseClevis(headerOf({ pin: 'yubi\u001bkey' }))).toMatchObject([
    { kind: 'clevis "yubi\\u001bkey"' },
  ]);
  expect(parseToken({ type: 'own\nkind' })).toMatchObject([{ kind: '"own\\nkind"' }]);
  expect(parseToken({})).toMatchObject([{ kind: '"a token without a type"' }]);
});

test('any token is bindings or an error of ours', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (text, junk) => {
      for (const header of [Buffer.from(text).toString('base64url'), headerOf(JSON.parse(text)), junk]) {
        try {
          expect(parseClevis(header).length).toBeLessThan(600);
        } catch (error) {
          expect(isColdpatchError(error, 'volume_corrupt')).toBe(true);
        }
      }
      parseToken({ type: 'systemd-tpm2', 'tpm2-pcrs': JSON.parse(text) });
    }),
  );
});
