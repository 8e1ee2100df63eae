import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertInside, type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import { headBytes, writePhysicalVolume } from './fixtures/write-physical-volume.ts';
import { lvm2 } from './index.ts';

/** The text of this group is LVM's own; test/lvm2.test.ts holds the reader against LVM and the bytes of whole volumes. */

const text = readFileSync(join(import.meta.dirname, 'fixtures/group.txt'), 'utf8');
const ids = [...text.matchAll(/pv\d \{\s+id = "([^"]+)"/g)].map((match) =>
  (match[1] as string).replaceAll('-', ''),
);
const deviceBytes = 64 * 1024 * 1024;
let reads = 0;

/** A physical volume whose extents are zeros. */
function deviceOf(head: Buffer): ByteSource {
  const size = BigInt(deviceBytes);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      reads += 1;
      into.fill(0);
      if (offset < BigInt(headBytes)) into.set(head.subarray(Number(offset), Number(offset) + into.length));
    },
  };
}

function assemble(written: string, count = 3) {
  return lvm2.assemble(
    ids.slice(0, count).map((id, index) => ({
      name: `partition ${index + 1}`,
      bytes: deviceOf(writePhysicalVolume(id, deviceBytes, index === 0 ? written : undefined)),
    })),
  );
}

test('reads a label, and LVM prints the id as we do', () => {
  const device = deviceOf(writePhysicalVolume(ids[0] as string, deviceBytes, text));
  expect(lvm2.detect(device)).toEqual({ answer: 'yes' });
  expect(text).toContain(lvm2.describe(device).uuid);
});

test('lists the volumes of the group, with their devices and members', () => {
  const { volumes, gaps } = assemble(text);
  expect(volumes.map(({ name }) => name).toSorted()).toEqual(
    ['blocker', 'line-ar', 'mir', 'r1', 'striped'].map((name) => `test-vg/${name}`),
  );
  expect(volumes.find(({ name }) => name === 'test-vg/striped')).toMatchObject({
    members: ['partition 1', 'partition 2', 'partition 3'],
    devices: expect.arrayContaining(['/dev/test-vg/striped', '/dev/mapper/test--vg-striped']),
  });
  // The metadata of the pool are zeros here.
  expect(new Map(gaps.map(({ where, reason }) => [where, reason]))).toEqual(
    new Map([
      ['test-vg/thin', 'corrupt'],
      ['test-vg/thinsnap', 'unsupported'],
      ['test-vg/cow', 'unsupported'],
    ]),
  );
});

test('names the physical volume of another disk', () => {
  const { volumes, gaps } = assemble(text, 1);
  expect(volumes.map(({ name }) => name)).toContain('test-vg/blocker');
  const missing = gaps.find(({ where }) => where === 'test-vg/striped');
  expect(missing).toMatchObject({ reason: 'missing' });
  expect(missing?.detail.replaceAll('-', '')).toContain(ids[1]);
});

const cases: readonly (readonly [string, (written: string) => string, object])[] = [
  [
    'an exported group',
    (written) => written.replace('"RESIZEABLE"', '"EXPORTED"'),
    { reason: 'unsupported' },
  ],
  [
    'a segment of an unknown type',
    (written) => written.replaceAll('"striped"', '"raid6"'),
    { reason: 'unsupported' },
  ],
  [
    'extents outside a device',
    (written) => written.replaceAll('"pv0", 0', '"pv0", 60'),
    { reason: 'corrupt' },
  ],
  [
    'a volume that lies on itself',
    (written) => written.replaceAll('"mir_mimage_0", 0', '"mir", 0'),
    { reason: 'limit' },
  ],
  [
    'a part that is no volume',
    (written) => written.replaceAll('"mir_mimage_0", 0', '"none", 0'),
    { reason: 'corrupt' },
  ],
  [
    'a hole between segments',
    (written) => written.replace('start_extent = 10', 'start_extent = 11'),
    { reason: 'corrupt' },
  ],
  ['a name with a slash', (written) => written.replaceAll('blocker', '../etc'), { reason: 'corrupt' }],
  ['a name out of dots', (written) => written.replaceAll('blocker', '..'), { reason: 'corrupt' }],
  [
    'extents without a size',
    (written) => written.replace('extent_size = 2048', 'extent_size = 0'),
    { reason: 'corrupt' },
  ],
  [
    'extents of absurd size',
    (written) => written.replace('extent_size = 2048', 'extent_size = 9007199254740991'),
    { reason: 'corrupt' },
  ],
  ['a missing brace', (written) => written.slice(0, -10), { reason: 'corrupt' }],
  ['too many levels', () => 'a {'.repeat(40), { reason: 'limit' }],
  ['too many values', () => `a = [${'1,'.repeat(600)}1]\n`, { reason: 'corrupt' }],
  ['a text without an end', () => 'a = "', { reason: 'corrupt' }],
];

test.each(cases)('%s is a gap', (_, change, gap) => {
  const changed = change(text);
  expect(changed).not.toBe(text);
  expect(assemble(changed).gaps).toContainEqual(expect.objectContaining(gap));
});

test('volumes that lie on shared volumes cannot ask for endless work', () => {
  const head = text.slice(0, text.indexOf('logical_volumes {'));
  const level = (name: string, below: string, status: string) =>
    `${name} { id = "${'a'.repeat(32)}" status = [${status}] segment_count = 60\n${Array.from(
      { length: 60 },
      (_, index) =>
        `segment${index + 1} { start_extent = ${index} extent_count = 1 type = "striped" stripe_count = 1 stripes = ["${below}", 0] }`,
    ).join('\n')} }\n`;
  const levels = Array.from({ length: 6 }, (_, index) => level(`l${index}`, `l${index + 1}`, '"VISIBLE"'));
  const bomb = `${head} logical_volumes { ${levels.join('')} ${level('l6', 'pv0', '')} } }`;
  expect(assemble(bomb).gaps).toContainEqual(expect.objectContaining({ reason: 'limit' }));
});

test('a label or a header with a changed byte is a gap', () => {
  for (const at of [520, 545, 590, 4096 + 8, 4096 + 45, 4096 + 1024 + 700]) {
    const head = writePhysicalVolume(ids[0] as string, deviceBytes, text);
    head[at] = (head[at] as number) ^ 1;
    const { gaps } = lvm2.assemble([{ name: 'disk', bytes: deviceOf(head) }]);
    expect(gaps, `${at}`).toContainEqual(expect.objectContaining({ where: 'disk', reason: 'corrupt' }));
  }
});

test('a device that was cut is a gap', () => {
  const head = writePhysicalVolume(ids[0] as string, deviceBytes, text);
  const { volumes, gaps } = lvm2.assemble([{ name: 'disk', bytes: memorySource(head) }]);
  expect(volumes).toEqual([]);
  expect(gaps).toContainEqual(expect.objectContaining({ where: 'test-vg/blocker', reason: 'corrupt' }));
});

test('whatever the text says, the answer is volumes and gaps', () => {
  const words = [
    '0',
    '-1',
    '1e9',
    '9007199254740993',
    '"pv0"',
    '"mir"',
    '"raid1"',
    '"thin"',
    '[',
    ']',
    '{',
    '}',
    '"',
    '#',
    '"VISIBLE"',
  ];
  const tokens = [...text.matchAll(/[\w.-]+|"[^"]*"|[[\]{}=,]/g)].map(({ index, 0: word }) => ({
    index,
    length: word.length,
  }));
  const changes = fc.array(fc.tuple(fc.nat(tokens.length - 1), fc.constantFrom(...words)), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(changes, (placed) => {
      let changed = text;
      for (const [token, word] of placed.toSorted(([a], [b]) => b - a)) {
        const { index, length } = tokens[token] as (typeof tokens)[number];
        changed = changed.slice(0, index) + word + changed.slice(index + length);
      }
      reads = 0;
      for (const { bytes } of assemble(changed).volumes) {
        try {
          readBytes(bytes, 0n, 4096);
          readBytes(bytes, bytes.size - 4096n, 4096);
        } catch (error) {
          expect(isColdpatchError(error)).toBe(true);
        }
      }
      expect(reads).toBeLessThan(400);
    }),
    { numRuns: 100 },
  );
});
