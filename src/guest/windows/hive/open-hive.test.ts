import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memorySource } from '../../../disk/memory-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type FixtureKey, writeHive } from '../fixtures/write-hive.ts';
import { writeHiveLog } from '../fixtures/write-hive-log.ts';
import { checksumOf } from './parse-base-block.ts';
import { openHive } from './open-hive.ts';
import { createReadBudget } from './read-budget.ts';
import type { HiveKey } from './types.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-hive-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What libhivex reads of a hive: a line for each key and each value. */
const hivexDump = String.raw`
use Win::Hivex; use Digest::SHA 'sha1_hex'; binmode STDOUT, ':utf8';
my $h = Win::Hivex->open($ARGV[0]) or die "open: $!";
sub walk { my ($n, $p) = @_;
  for my $v ($h->node_values($n)) { my ($t, $d) = $h->value_value($v);
    print join("\t", $p, $h->value_key($v), $t, length $d, sha1_hex($d)), "\n"; }
  for my $c ($h->node_children($n)) { my $q = $p . "\\" . $h->node_name($c); print "$q\n"; walk($c, $q); } }
walk($h->root(), "");`;

function dumpByHivex(hive: Buffer): readonly string[] {
  const path = join(folder, 'hive');
  writeFileSync(path, hive);
  const text = execFileSync('perl', ['-e', hivexDump, path], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return text.split('\n').slice(0, -1);
}

function dump(key: HiveKey, path = '', left = { keys: 20_000 }): readonly string[] {
  left.keys -= 1;
  if (left.keys < 0) return [];
  const values = key.values().map((value) => {
    const data = value.bytes();
    const digest = createHash('sha1').update(data).digest('hex');
    return [path, value.name, value.type, data.length, digest].join('\t');
  });
  const below = key.subkeys().flatMap((subkey) => {
    const name = `${path}\\${subkey.name}`;
    return [name, ...dump(subkey, name, left)];
  });
  return [...values, ...below];
}

const open = (hive: Buffer, log?: Buffer) =>
  openHive(memorySource(hive), 'HIVE', log ? [{ where: 'HIVE.LOG1', file: memorySource(log) }] : []);

const manyKeys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, { values: { n: index } }]));
const bytes = (length: number) => ({ type: 3, bytes: Buffer.alloc(length, 'data') });
const everything: FixtureKey = {
  values: { '': 'the default', text: 'grüße', number: 5, large: 9n, Grün: '', жук: 'x' },
  keys: {
    Lists: {
      keys: {
        li: { list: 'li', keys: manyKeys(5) },
        lf: { list: 'lf', keys: manyKeys(6) },
        lh: { list: 'lh', keys: manyKeys(7) },
        ri: { list: 'ri', keys: manyKeys(300) },
      },
    },
    Sizes: {
      values: Object.fromEntries(
        [0, 1, 3, 4, 5, 4096, 16_344, 16_400, 32_688, 70_000].map((size) => [`${size}`, bytes(size)]),
      ),
    },
    Übung: { keys: { жуки: {} } },
  },
};

describe('every key and value is what libhivex reads', () => {
  test.each([5, 3])('of a hive of version 1.%d', (minorVersion) => {
    const hive = writeHive(everything, { minorVersion });
    expect(dump(open(hive).root)).toEqual(dumpByHivex(hive));
  });

  test('of a hive that hivexregedit wrote', () => {
    const path = join(folder, 'written');
    writeFileSync(path, writeHive({}));
    const keys = Array.from(
      { length: 60 },
      (_, index) =>
        `[\\Vendor ${index}]\n"Name"="ä ${index}"\n"Data"=hex:01,02,0${index % 10}\n"N"=dword:0000000${index % 10}\n@="x"\n`,
    );
    writeFileSync(`${path}.reg`, `Windows Registry Editor Version 5.00\n\n${keys.join('\n')}`);
    execFileSync('hivexregedit', ['--merge', path, `${path}.reg`]);
    const hive = readFileSync(path);
    const found = dump(open(hive).root);
    expect(found).toEqual(dumpByHivex(hive));
    expect(found).toHaveLength(60 * 5);
  });
});

test('keys and values are found whatever their case', () => {
  const { root } = open(writeHive(everything));
  expect(root.find('LISTS\\Lf\\KEY 3')?.value('N')?.bytes()[0]).toBe(3);
  expect(root.find('üBUNG\\ЖУКИ')?.name).toBe('жуки');
  expect(root.value('GRÜN')?.type).toBe(1);
  expect(root.find('Lists\\none\\deeper')).toBeUndefined();
  expect(root.value('none')).toBeUndefined();
});

describe('a writing that was not finished', () => {
  const before = writeHive({ keys: { A: { values: { n: 1 } } } }, { sequences: [8, 7] });
  const between = writeHive({ keys: { A: { values: { n: 2 } } } });
  const after = writeHive({ keys: { A: { values: { n: 3, big: bytes(20_000) } } } });
  const number = (hive: ReturnType<typeof open>) => hive.root.find('A')?.value('n')?.bytes()[0];
  const log = writeHiveLog([
    { sequence: 6, before, after: between },
    { sequence: 7, before, after: between },
    { sequence: 8, before: between, after },
  ]);

  test('is a gap without a log, and the hive is read as it is', () => {
    const hive = open(before);
    expect(number(hive)).toBe(1);
    expect(hive.gaps).toMatchObject([{ where: 'HIVE', reason: 'unclean' }]);
  });

  test('is completed from the log, also where the hive grows', () => {
    const hive = open(before, log);
    expect(hive.gaps).toEqual([]);
    expect(dump(hive.root)).toEqual(dump(open(after).root));
  });

  test('is completed up to the first entry that its hash does not confirm', () => {
    const broken = Buffer.from(log);
    broken.writeUInt8(broken.readUInt8(broken.length - 600) ^ 1, broken.length - 600);
    expect(number(open(before, broken))).toBe(2);
  });

  test('is completed from the second log when the first continues it', () => {
    const logs = [
      writeHiveLog([{ sequence: 8, before: between, after }]),
      writeHiveLog([{ sequence: 7, before, after: between }]),
    ].map((it, index) => ({ where: `HIVE.LOG${index + 1}`, file: memorySource(it) }));
    expect(number(openHive(memorySource(before), 'HIVE', logs))).toBe(3);
  });

  test('takes the base block of the log when its own is damaged', () => {
    const damaged = Buffer.from(before);
    damaged.writeUInt32LE(0, 508);
    expect(() => open(damaged)).toThrow(expect.objectContaining({ code: 'registry_corrupt' }));
    const whole = writeHiveLog([{ sequence: 7, before: Buffer.alloc(0), after }]);
    expect(number(open(damaged, whole))).toBe(3);
  });

  test('of a hive that says it is whole is not looked for', () => {
    expect(number(open(writeHive({ keys: { A: { values: { n: 1 } } } }), log))).toBe(1);
  });

  test('with a log that is too large is a gap', () => {
    const large = { size: 1n << 40n, read: (_offset: bigint, into: Uint8Array) => void into.fill(0) };
    const { gaps } = openHive(memorySource(before), 'HIVE', [{ where: 'HIVE.LOG1', file: large }]);
    expect(gaps).toMatchObject([
      { where: 'HIVE.LOG1', reason: 'limit' },
      { where: 'HIVE', reason: 'unclean' },
    ]);
  });

  test('with entries for other times is a gap', () => {
    const later = writeHiveLog([{ sequence: 9, before, after }]);
    expect(open(before, later).gaps).toMatchObject([{ reason: 'unclean' }]);
    expect(open(before, Buffer.alloc(4096)).gaps).toMatchObject([{ reason: 'unclean' }]);
  });
});

describe('what contradicts itself is an error', () => {
  const change = (alter: (hive: Buffer) => void) => {
    const hive = writeHive({ keys: { A: { values: { n: 1 }, keys: { B: {} } } } });
    alter(hive);
    hive.writeUInt32LE(checksumOf(hive), 508);
    return hive;
  };
  test.each<[string, (hive: Buffer) => void]>([
    ['another signature', (hive) => hive.write('fger')],
    ['another version', (hive) => hive.writeUInt32LE(2, 20)],
    ['more bins than bytes', (hive) => hive.writeUInt32LE(1 << 30, 40)],
    ['a log in place of the hive', (hive) => hive.writeUInt32LE(6, 28)],
    ['a root outside', (hive) => hive.writeUInt32LE(0xfffffff8, 36)],
    ['a root at an odd place', (hive) => hive.writeUInt32LE(hive.readUInt32LE(36) + 4, 36)],
    ['no bin', (hive) => hive.write('nibh', 4096)],
    ['a bin that ends too early', (hive) => hive.writeUInt32LE(0, 4096 + 8)],
    ['a free root', (hive) => hive.writeInt32LE(88, 4096 + hive.readUInt32LE(36))],
  ])('%s', (_, alter) => {
    expect(() => dump(open(change(alter)).root)).toThrow(
      expect.objectContaining({ code: 'registry_corrupt' }),
    );
  });

  test('cut off', () => {
    const hive = writeHive(everything);
    for (const length of [0, 100, 600, 4096, 5000, hive.length - 1]) {
      expect(() => dump(open(hive.subarray(0, length)).root)).toThrow(ColdpatchError);
    }
  });

  test('a list of lists in a circle', () => {
    const hive = writeHive({ list: 'ri', keys: manyKeys(4) });
    const root = 4096 + hive.readUInt32LE(36) + 4;
    const list = hive.readUInt32LE(root + 28);
    hive.writeUInt32LE(list, 4096 + list + 4 + 4);
    expect(() => open(hive).root.subkeys()).toThrow(expect.objectContaining({ code: 'registry_corrupt' }));
  });

  test('a list of lists with the same leaf again and again', () => {
    const hive = writeHive({ list: 'ri', keys: manyKeys(5) });
    const list = hive.readUInt32LE(4096 + hive.readUInt32LE(36) + 4 + 28);
    hive.copyWithin(4096 + list + 4 + 8, 4096 + list + 4 + 4, 4096 + list + 4 + 8);
    expect(() => open(hive).root.subkeys()).toThrow(
      expect.objectContaining({ code: 'registry_corrupt', message: expect.stringContaining('at most 2') }),
    );
  });

  test('reading the same large value again and again ends', () => {
    const { root } = open(writeHive({ values: { big: bytes(4_000_000) } }, { minorVersion: 3 }));
    expect(() => {
      for (let time = 0; time < 200; time += 1) root.value('big')?.bytes();
    }).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
  });

  test('a budget counts for all hives that share it', () => {
    const hive = memorySource(writeHive({ values: { big: bytes(4_000_000) } }, { minorVersion: 3 }));
    const budget = createReadBudget();
    for (let time = 0; time < 100; time += 1) openHive(hive, 'HIVE', [], budget).root.value('big')?.bytes();
    const { root } = openHive(hive, 'HIVE', [], createReadBudget());
    expect(root.value('big')?.bytes()).toHaveLength(4_000_000);
    expect(() => {
      for (let time = 0; time < 50; time += 1) openHive(hive, 'HIVE', [], budget).root.value('big')?.bytes();
    }).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
  });

  test('values whose names are too long together', () => {
    const { root } = open(
      writeHive({
        values: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`${n}`.padEnd(16_000, 'x'), n])),
      }),
    );
    expect(() => root.values()).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
  });

  test('a key among its own subkeys is walked only as far as one asks', () => {
    const hive = writeHive({ list: 'li', keys: manyKeys(2) });
    const root = hive.readUInt32LE(36);
    hive.writeUInt32LE(root, 4096 + hive.readUInt32LE(4096 + root + 4 + 28) + 4 + 4);
    const { root: key } = open(hive);
    expect(key.find('ROOT\\ROOT\\ROOT\\key 1')?.name).toBe('key 1');
  });
});

test('ends with an error of ours, after a bounded number of reads, whatever the bytes are', () => {
  const hive = writeHive(everything, { sequences: [8, 7] });
  const small = writeHive(
    { ...everything, keys: { A: { list: 'ri', keys: manyKeys(8) } } },
    { sequences: [8, 7] },
  );
  const log = writeHiveLog([{ sequence: 7, before: Buffer.alloc(0), after: small }]);
  const used = [...hive.keys()].filter((at) => hive[at] !== 0 && hive[at] !== 'data'.charCodeAt(at % 4));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(hive.length)),
      fc.boolean(),
      (flips, cut, withLog) => {
        const damaged = Buffer.from(hive);
        const damagedLog = Buffer.from(log);
        for (const [choice, value] of flips) {
          damaged[used[choice % used.length] as number] = value;
          if (choice % 3 === 0) damagedLog[choice % log.length] = value;
        }
        const source = memorySource(damaged.subarray(0, cut === null || cut < 8192 ? damaged.length : cut));
        let reads = 0;
        const counted = {
          size: source.size,
          read: (...args: Parameters<typeof source.read>) => {
            reads += 1;
            source.read(...args);
          },
        };
        try {
          const logs = withLog ? [{ where: 'LOG', file: memorySource(damagedLog) }] : [];
          dump(openHive(counted, 'HIVE', logs).root, '', { keys: 500 });
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
        expect(reads).toBeLessThan(2000);
      },
    ),
    { numRuns: 300 },
  );
});
