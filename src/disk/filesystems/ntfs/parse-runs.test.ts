import { expect, test } from 'vitest';
import type { MappedAttribute } from './parse-attribute.ts';
import { parseRuns } from './parse-runs.ts';

function mapped(runs: string, lastCluster: number): MappedAttribute {
  return {
    kind: 'mapped',
    type: 0x80,
    name: '',
    flags: 0,
    instance: 0,
    firstCluster: 0,
    lastCluster,
    runs: Buffer.from(runs, 'hex'),
    compressionUnit: 0,
    size: 0,
    initializedSize: 0,
  };
}

test('decodes distances forward and back, and holes', () => {
  // 24 clusters at 0x5634, a hole of 8, 16 at 0x5634 - 0x34, 1 at that + 128.
  expect(parseRuns(mapped('2118345601081110cc2101800000', 48), 100_000, 'a file')).toEqual({
    first: 0,
    end: 49,
    starts: [0, 24, 32, 48],
    places: [0x5634, undefined, 0x5600, 0x5680],
  });
});

test.each([
  ['a place behind the volume', '2118ffff00', 23],
  ['a negative place', '1101ff00', 0],
  ['a length of zero', '11000100', 0],
  ['a negative length', '11800100', 0],
  ['lengths of nine bytes', '19' + '01'.repeat(10), 0],
  ['an end in the middle of a run', '2101', 0],
  ['too few clusters', '11010100', 7],
  ['a huge hole', '08ffffffffffffff7f00', 0],
])('refuses %s', (_what, runs, lastCluster) => {
  expect(() => parseRuns(mapped(runs, lastCluster), 1000, 'a file')).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt' }),
  );
});
