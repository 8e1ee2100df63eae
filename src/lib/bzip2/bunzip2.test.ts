import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../errors.ts';
import { bunzip2 } from './bunzip2.ts';

function bzip2(bytes: Uint8Array, level: number): Buffer {
  return execFileSync('bzip2', ['-c', `-${level}`], { input: bytes, maxBuffer: 64 * 1024 * 1024 });
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const samples: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a byte', Buffer.from('x')],
  [
    'runs around the lengths that are counted',
    Buffer.from('aaaa bbbbb cccccc dddd'.repeat(50) + 'e'.repeat(259)),
  ],
  ['zeros', Buffer.alloc(3_000_000)],
  ['all bytes', Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * index) >> 3))],
  ['noise', randomBytes(250_000)],
];

test.each(samples)('%s: what bzip2 compressed comes out again', (_, sample) => {
  for (const level of [1, 9]) {
    const pieces = [...bunzip2(cut(bzip2(sample, level), 4099))];
    expect(pieces.every(({ length }) => length <= 65_536)).toBe(true);
    expect(Buffer.concat(pieces).equals(sample)).toBe(true);
  }
});

test('streams one behind another are one', () => {
  const both = Buffer.concat([bzip2(Buffer.from('one, '), 9), bzip2(Buffer.from('two'), 1)]);
  expect(Buffer.concat([...bunzip2([both])]).toString()).toBe('one, two');
});

test('what is cut off is an error, and what is changed is one or changes nothing', () => {
  const text = Array.from({ length: 300 }, (_, index) => `line ${index}`).join('\n');
  const whole = bzip2(Buffer.from(text), 9);
  const place = fc.nat(whole.length - 1);
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 255 }), place, (at, flip, length) => {
      expect(() => [...bunzip2([whole.subarray(0, length)])]).toThrow(ColdpatchError);
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ flip;
      try {
        expect(Buffer.concat([...bunzip2([changed])]).toString()).toBe(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ColdpatchError);
      }
    }),
  );
});
