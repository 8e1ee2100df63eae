import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { ext4 } from './index.ts';

/** Journals that debugfs wrote, and the replay of e2fsck as the judge. */

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-ext4-journal-'));
const blockSize = 1024;
const fileBlocks = 40;
afterAll(() => rmSync(folder, { recursive: true }));

function debug(image: string, commands: readonly string[]): string {
  return execFileSync('debugfs', ['-w', image], {
    input: `${commands.join('\n')}\n`,
    stdio: ['pipe', 'pipe', 'pipe'],
  }).toString();
}

/** @param transactions makes the commands of debugfs out of the first block of the file. */
function dirty(name: string, features: string, transactions: (first: number) => readonly string[]): Buffer {
  const tree = join(folder, `${name}-tree`);
  const image = join(folder, name);
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), Buffer.alloc(fileBlocks * blockSize, 'A'));
  // It starts like a block of the journal itself, so that the first one is escaped.
  writeFileSync(
    join(folder, 'logged'),
    Buffer.concat([Buffer.from('c03b3998', 'hex'), Buffer.alloc(8 * blockSize - 4, 'B')]),
  );
  writeFileSync(join(folder, 'later'), Buffer.alloc(8 * blockSize, 'C'));
  execFileSync(
    'mke2fs',
    ['-q', '-F', '-t', 'ext4', '-b', '1024', '-J', 'size=1', '-O', features, '-d', tree, image, '4M'],
    { stdio: 'pipe' },
  );
  const first = Number(/^\d+/m.exec(debug(image, ['blocks file']).replaceAll(/^debugfs.*$/gm, ''))?.[0]);
  debug(
    image,
    transactions(first).map((command) => command.replaceAll('FOLDER', folder)),
  );
  return readFileSync(image);
}

function contentOf(image: Buffer): Buffer {
  const filesystem = ext4.open?.(memorySource(image)) as Filesystem;
  expect(filesystem.gaps).toEqual([]);
  const entry = filesystem.readDirectory(filesystem.rootInode).find(({ name }) => name === 'file');
  const file = filesystem.openFile(entry?.inode ?? 0);
  return readBytes(file, 0n, Number(file.size));
}

function replayed(image: Buffer): Buffer {
  const path = join(folder, 'replayed');
  writeFileSync(path, image);
  execFileSync('sh', ['-c', 'e2fsck -fy "$1" >&2 || [ $? = 1 ]', 'sh', path], { stdio: 'pipe' });
  const bytes = readFileSync(path);
  expect(ext4.open?.(memorySource(bytes)).clean).toBe(true);
  return bytes;
}

/** Two transactions; the second writes one block again, and revokes another. */
function twoTransactions(open: string): (first: number) => readonly string[] {
  return (first) => [
    open,
    `jw -b ${first + 2}-${first + 9} FOLDER/logged`,
    'jc',
    open,
    `jw -b ${first + 4} FOLDER/later`,
    `jw -r ${first + 6}-${first + 7}`,
    'jc',
  ];
}

const journals = [
  ['without checksums', '^metadata_csum,^64bit', 'jo'],
  ['without checksums, 64 bits', '^metadata_csum,64bit', 'jo'],
  ['with checksums of version 2', 'metadata_csum,64bit', 'jo -c -v 2'],
  ['with checksums of version 2, 32 bits', 'metadata_csum,^64bit', 'jo -c -v 2'],
  ['with checksums of version 3', 'metadata_csum,64bit', 'jo -c -v 3'],
] as const;

for (const [what, features, open] of journals) {
  test(`replays a journal as e2fsck does, ${what}`, () => {
    const image = dirty(`plain ${what}`, features, twoTransactions(open));
    expect(ext4.describe(memorySource(image)).properties['needsRecovery']).toBe(true);
    expect(ext4.open?.(memorySource(image)).clean).toBe(false);
    const content = contentOf(image);
    expect(content.equals(contentOf(replayed(image)))).toBe(true);
    const marks = Array.from({ length: 11 }, (_, block) => content[block * blockSize + 4]);
    expect(Buffer.from(marks as number[]).toString()).toBe('AABBCBAABBA');
    expect(content.readUInt32BE(2 * blockSize)).toBe(0xc03b3998);
  });
}

test('ends with an error of ours or a gap, and ends, whatever the journal holds', () => {
  const images = (['jo', 'jo -c -v 3'] as const).map((open, index) => {
    const image = dirty(
      `damaged ${index}`,
      index === 0 ? '^metadata_csum' : 'metadata_csum',
      twoTransactions(open),
    );
    return { image, places: journalPlaces(image) };
  });
  fc.assert(
    fc.property(
      fc.constantFrom(...images),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      ({ image, places }, flips) => {
        const damaged = Buffer.from(image);
        for (const [choice, value] of flips) {
          damaged[places[choice % places.length] as number] = value;
        }
        try {
          const filesystem = ext4.open?.(memorySource(damaged)) as Filesystem;
          filesystem.readDirectory(filesystem.rootInode);
        } catch (error) {
          expect(error).toBeInstanceOf(ColdpatchError);
        }
      },
    ),
    { numRuns: 200 },
  );
});

/** Offsets of the fields in the journal's superblock, its descriptor, revoke and commit blocks. */
function journalPlaces(image: Buffer): readonly number[] {
  const magic = Buffer.from('c03b3998', 'hex');
  return Array.from({ length: image.length / blockSize }, (_, block) => block * blockSize)
    .filter((at) => image.subarray(at, at + 4).equals(magic))
    .flatMap((at) => Array.from({ length: 120 }, (_, offset) => at + offset));
}

test('a journal of another device makes a gap', () => {
  const path = join(folder, 'external');
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-O', '^has_journal,^metadata_csum', path, '4M'], {
    stdio: 'pipe',
  });
  const image = readFileSync(path);
  image.writeUInt32LE(image.readUInt32LE(1024 + 0x60) | 0x4, 1024 + 0x60);
  const filesystem = ext4.open?.(memorySource(image)) as Filesystem;
  expect(filesystem.clean).toBe(false);
  expect(filesystem.gaps).toMatchObject([{ where: 'journal', reason: 'unclean' }]);
});
