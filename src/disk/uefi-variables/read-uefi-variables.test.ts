import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isColdpatchError } from '../../lib/errors.ts';
import { memorySource } from '../memory-source.ts';
import { signatureList, writeUefiVariables } from './fixtures/write-uefi-variables.ts';
import * as layout from './layout.ts';
import { parseSignatureLists } from './parse-signature-lists.ts';
import { readUefiVariables } from './read-uefi-variables.ts';

const vendor = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
const sha256List = 'c1c41626-504c-4092-aca9-41f936934328';
const real = readFileSync('/usr/share/OVMF/OVMF_VARS_4M.ms.fd');

test('reads the variables of OVMF with the keys of Microsoft, without those that it deleted', () => {
  const variables = readUefiVariables(memorySource(real));
  const names = variables.map(({ name }) => name);
  for (const name of ['PK', 'KEK', 'db', 'dbx', 'SecureBootEnable', 'Boot0001'])
    expect(names).toContain(name);
  expect(names.filter((name) => name === 'CustomMode')).toHaveLength(1);
  expect(names.filter((name) => name === 'ConOut')).toHaveLength(1);
  const db = variables.find(({ name }) => name === 'db');
  const subjects = parseSignatureLists(db?.data ?? new Uint8Array()).map(
    ({ data }) => /CN=(.*)/.exec(new X509Certificate(data).subject)?.[1],
  );
  expect(subjects).toEqual(['Microsoft Windows Production PCA 2011', 'Microsoft Corporation UEFI CA 2011']);
  const dbx = variables.find(({ name }) => name === 'dbx');
  expect(parseSignatureLists(dbx?.data ?? new Uint8Array())).toMatchObject([{ kind: 'sha256' }]);
});

test('an empty store has no variables', () => {
  const empty = readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd');
  expect(readUefiVariables(memorySource(empty))).toEqual([]);
});

test('a variable that is being replaced counts until the new one is there', () => {
  const old = { vendor, name: 'Old', data: Buffer.from('1'), state: layout.variableBeingReplaced };
  const read = (...variables: Parameters<typeof writeUefiVariables>[0]) =>
    readUefiVariables(memorySource(writeUefiVariables(variables))).map(({ data }) =>
      Buffer.from(data).toString(),
    );
  expect(read(old)).toEqual(['1']);
  expect(read(old, { vendor, name: 'Old', data: Buffer.from('2') })).toEqual(['2']);
  expect(read({ ...old, state: 0x3d }, { ...old, state: 0x3c }, { ...old, state: 0x7f })).toEqual([]);
});

test('reads back whatever was written', () => {
  const written = fc.uniqueArray(
    fc.record({
      vendor: fc.uuid(),
      name: fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !name.includes('\0')),
      data: fc.uint8Array({ maxLength: 200 }),
    }),
    { maxLength: 20, selector: ({ vendor: owner, name }) => `${owner} ${name}` },
  );
  fc.assert(
    fc.property(written, (variables) => {
      const found = readUefiVariables(memorySource(writeUefiVariables(variables)));
      const plain = ({ data, ...rest }: (typeof found)[number]) => ({ ...rest, data: [...data] });
      expect(found.map(plain)).toEqual(variables.map(plain));
    }),
    { numRuns: 50 },
  );
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['nothing', () => Buffer.alloc(0)],
  ['another file', () => Buffer.alloc(4096, 'x')],
  ['a file that is cut off', (bytes) => bytes.subarray(0, 4096)],
  ['a store of another kind', (bytes) => (bytes.fill(1, 72, 88), bytes)],
  ['a store that was never formatted', (bytes) => (bytes.fill(0xff, 92, 94), bytes)],
  ['a store that is too large', (bytes) => (bytes.writeUInt32LE(0x7fffffff, 88), bytes)],
  ['a name that leads out', (bytes) => (bytes.writeUInt32LE(0xfffffff0, 100 + 36), bytes)],
])('refuses %s', (_, change) => {
  const bytes = change(writeUefiVariables([{ vendor, name: 'A', data: Buffer.from('a') }]));
  expect(() => readUefiVariables(memorySource(bytes))).toThrow(
    expect.objectContaining({ code: 'uefi_variables_invalid' }),
  );
});

test('whatever is changed in a file, the answer is variables or an error of ours', () => {
  const changes = fc.array(fc.tuple(fc.nat(0x6000), fc.nat(255)), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(changes, (places) => {
      const damaged = Buffer.from(real.subarray(0, 300_000));
      for (const [at, value] of places) damaged[at] = value;
      try {
        for (const { name, data } of readUefiVariables(memorySource(damaged))) {
          if (name.startsWith('db')) parseSignatureLists(data);
        }
      } catch (error) {
        expect(isColdpatchError(error, 'uefi_variables_invalid')).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('reads lists of signatures one behind the other', () => {
  const digests = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const lists = Buffer.concat([
    signatureList(sha256List, digests),
    signatureList('a5c059a1-94e4-4aa7-87b5-ab155c2bf072', [Buffer.from('a certificate')]),
    signatureList('00000000-0000-4000-8000-000000000000', [Buffer.from('?')]),
  ]);
  expect(parseSignatureLists(lists)).toEqual([
    { kind: 'sha256', data: digests[0] },
    { kind: 'sha256', data: digests[1] },
    { kind: 'x509', data: Buffer.from('a certificate') },
    { kind: 'other', data: Buffer.from('?') },
  ]);
});

test('any bytes are signatures or an error of ours', () => {
  const list = signatureList(sha256List, [Buffer.alloc(32, 1)]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(list.length - 1), fc.nat(255)), { maxLength: 6 }), (places) => {
      const damaged = Buffer.from(list);
      for (const [at, value] of places) damaged[at] = value;
      try {
        expect(parseSignatureLists(damaged).length).toBeLessThan(10);
      } catch (error) {
        expect(isColdpatchError(error, 'uefi_variables_invalid')).toBe(true);
      }
    }),
  );
});
