import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collect, inParts } from './advisory-fixture.ts';
import { type JsonRecord, streamJson } from './stream-json.ts';

const whole = (path: readonly string[]): boolean => path.length === 0;

async function read(
  text: string | Uint8Array,
  isRecord = whole,
  size?: number,
): Promise<readonly JsonRecord[]> {
  return collect(streamJson(inParts(text, size), isRecord));
}

/** JSON has no -0, and our reader refuses __proto__. */
const json = fc
  .jsonValue()
  .map((value) => JSON.stringify(value))
  .filter((text) => !text.includes('__proto__'));

test('reads what JSON.parse reads, wherever the parts end', async () => {
  await fc.assert(
    fc.asyncProperty(json, fc.integer({ min: 1, max: 20 }), async (text, size) => {
      const [record, ...rest] = await read(text, whole, size);
      expect(record?.value).toEqual(JSON.parse(text));
      expect(rest).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test('refuses what JSON.parse refuses', async () => {
  const broken = fc
    .tuple(json, fc.nat(50), fc.constantFrom('', ',', ':', ']', '}', '"', '[', '{', '1', 'x'))
    .map(([text, at, extra]) => `[${text.slice(0, at)}${extra}${text.slice(at)}]`)
    .filter((text) => {
      try {
        JSON.parse(text);
        return false;
      } catch {
        return true;
      }
    });
  await fc.assert(
    fc.asyncProperty(broken, async (text) => {
      await expect(read(text)).rejects.toThrow(expect.objectContaining({ code: 'advisories_invalid' }));
    }),
    { numRuns: 200 },
  );
});

test('gives parts at their paths, and forgets the rest', async () => {
  const text = '{"a": {"x": 1, "y": [2, {"z": 3}]}, "b": [{"c": null}], "d": true}';
  const records = await read(text, (path) => path.length === 2);
  expect(records).toEqual([
    { path: ['a', 'x'], value: 1, document: 0, bytes: 1 },
    { path: ['a', 'y'], value: [2, { z: 3 }], document: 0, bytes: 13 },
    { path: ['b', '[]'], value: { c: null }, document: 0, bytes: 11 },
  ]);
});

test('reads documents that follow each other', async () => {
  const records = await read('{"a": 1}\n{"b": 2}{"c": 3}\r\n');
  expect(records.map(({ document, value }) => [document, value])).toEqual([
    [0, { a: 1 }],
    [1, { b: 2 }],
    [2, { c: 3 }],
  ]);
});

test.each([
  ['nothing', ''],
  ['blanks', ' \n '],
  ['an open end', '{"a": 1'],
  ['a text that never ends', `["${'x'.repeat(1_200_000)}`],
  ['a number that never ends', '1'.repeat(1_200_000)],
  ['blanks that never end', `[${' '.repeat(1_200_000)}`],
  ['a great depth', '['.repeat(65)],
  ['many values', `[${'0,'.repeat(1_000_001)}0]`],
  ['the prototype', '{"__proto__": {"polluted": true}}'],
  ['another encoding', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
])('refuses %s', async (_name, text) => {
  await expect(read(text)).rejects.toThrow(expect.objectContaining({ code: 'advisories_invalid' }));
});

test('refuses a record that never ends, long before it is in memory', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('["');
    for (;;) {
      given += 1;
      yield await Promise.resolve(Buffer.from(`${'x'.repeat(65_000)}","`));
    }
  }
  await expect(collect(streamJson(endless(), whole))).rejects.toThrow(/33554432 bytes/);
  expect(given).toBeLessThan(600);
});
