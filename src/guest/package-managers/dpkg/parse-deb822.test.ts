import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDeb822 } from './parse-deb822.ts';

const parse = (text: string) => [...parseDeb822(Buffer.from(text))];

test('paragraphs, continuation lines, comments and case', () => {
  const [first, second, ...rest] = parse(
    '\n\nPackage: a\nDescription: one\n  two\n# comment\n .\nversion:1\n\n\nPackage:b\nTags:\n x\n y',
  );
  expect(rest).toEqual([]);
  expect(first?.get('Package')).toBe('a');
  expect(first?.get('Description')).toBe('one\ntwo\n.');
  expect(first?.get('VERSION')).toBe('1');
  expect(first?.get('Missing')).toBeUndefined();
  expect([...(second?.fields() ?? [])]).toEqual([
    ['package', 'b'],
    ['tags', '\nx\ny'],
  ]);
});

test('a name inside a longer value is not a field', () => {
  const [stanza] = parse('X-Version: 9\nDescription: Version: 8\n Version: 7\nVersion: 1\nVersion: 2\n');
  expect(stanza?.get('Version')).toBe('1');
  expect(stanza?.get('Description')).toBe('Version: 8\nVersion: 7');
});

test('lines ended by hand', () => {
  expect(parse('A: 1\r\nB: 2\r\n\r\nA: 3\n \t\nA: é\n').map((stanza) => stanza.get('A'))).toEqual([
    '1',
    '3',
    'é',
  ]);
});

describe('damaged files', () => {
  test('of zeros hold no fields', () => {
    const [stanza] = [...parseDeb822(Buffer.alloc(4096))];
    expect(stanza?.fields().size).toBe(0);
  });

  test('with a paragraph or a number of them above the limit are refused', () => {
    const bytes = Buffer.from(`A: ${'x'.repeat(100)}\n`);
    expect(() => [...parseDeb822(bytes, { stanzaBytes: 50 })]).toThrow(/at most 50 bytes/);
    expect(() => [...parseDeb822(Buffer.from('A: 1\n\n'.repeat(5)), { stanzas: 4 })]).toThrow(/at most 4/);
  });

  test('never make it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const stanza of parseDeb822(bytes)) stanza.get('Package');
      }),
    );
  });
});

test('the quick look-up and the index agree', () => {
  const line = fc.stringMatching(/^(A|B|a|A-B| A| #|#|:)?:? ?[A:b ]{0,4}$/);
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
      const text = lines.join('\n');
      for (const [index, stanza] of parse(text).entries()) {
        if (!/^A:/m.test(stanza.text) || /^a:/m.test(stanza.text)) continue;
        const quick = stanza.get('A');
        expect(quick).toBe(parse(text)[index]?.fields().get('a'));
      }
    }),
  );
});
