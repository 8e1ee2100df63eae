import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { Filesystem } from '../types.ts';
import { ntfs } from './index.ts';
import * as layout from './layout.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-ntfs-'));
const path = join(folder, 'image');
const recordSize = 1024;
const files: ReadonlyMap<string, Buffer> = new Map([
  ['empty', Buffer.alloc(0)],
  ['tiny', Buffer.from('fits into the record')],
  ['large.bin', Buffer.from(Array.from({ length: 70_001 }, (_, at) => (at * at) >> 3))],
  ...Array.from(
    { length: 40 },
    (_, index) =>
      [`a file with a rather long name ${index}.txt`, Buffer.alloc(index * 50, `${index},`)] as const,
  ),
]);
let image: Buffer;

beforeAll(() => {
  writeFileSync(path, '');
  truncateSync(path, 2_097_152);
  execFileSync('mkntfs', ['-F', '-Q', '-q', '-L', 'Größe', path], { stdio: 'pipe' });
  const source = join(folder, 'source');
  for (const [name, content] of files) {
    writeFileSync(source, content);
    execFileSync('ntfscp', ['-q', '-f', path, source, name], { stdio: 'pipe' });
  }
  image = readFileSync(path);
});
afterAll(() => rmSync(folder, { recursive: true }));

function opened(bytes: Buffer): Filesystem {
  return ntfs.open?.(memorySource(bytes)) as Filesystem;
}

function contentOf(filesystem: Filesystem, inode: number): Buffer {
  const file = filesystem.openFile(inode);
  return readBytes(file, 0n, Number(file.size));
}

function find(filesystem: Filesystem, name: string): number {
  const entry = filesystem.readDirectory(filesystem.rootInode).find((candidate) => candidate.name === name);
  expect(entry, name).toBeDefined();
  return entry?.inode ?? 0;
}

/** Where a record of the (short) $MFT stands in the image. */
function recordPlace(number: number): number {
  return Number(image.readBigUInt64LE(layout.boot.mftCluster)) * 4096 + number * recordSize;
}

/** Where an attribute of a record stands in the image. */
function attributePlace(number: number, type: number): number {
  const start = recordPlace(number);
  let at = start + image.readUInt16LE(start + layout.record.attributes);
  while (image.readUInt32LE(at) !== type) {
    expect(image.readUInt32LE(at)).not.toBe(layout.attributeType.end);
    at += image.readUInt32LE(at + layout.attribute.length);
  }
  return at;
}

/** A copy of the image with some bytes changed. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(image);
  change(bytes);
  return bytes;
}

test('reads what ntfscp wrote', () => {
  expect(ntfs.detect(memorySource(image))).toEqual({ answer: 'yes' });
  const filesystem = opened(image);
  const entries = filesystem.readDirectory(filesystem.rootInode);
  expect(entries.map(({ name }) => name).toSorted()).toEqual([...files.keys()].toSorted());
  for (const [name, content] of files) {
    const inode = find(filesystem, name);
    expect(filesystem.status(inode)).toMatchObject({
      type: 'file',
      size: BigInt(content.length),
      linkCount: 1,
      mode: 0o777,
    });
    expect(contentOf(filesystem, inode).equals(content), name).toBe(true);
    expect(filesystem.extendedAttributes(inode).size).toBe(0);
  }
  expect(filesystem).toMatchObject({ clean: true, gaps: [], totalBytes: 2_093_056n });
});

test('describes a volume as blkid and ntfsinfo do', () => {
  const description = ntfs.describe(memorySource(image));
  expect(description).toMatchObject({
    label: 'Größe',
    properties: { version: '3.1', clusterSize: 4096, recordSize: 1024, clean: true },
  });
  const seen = execFileSync('blkid', ['-p', '-o', 'value', '-s', 'UUID', path], { encoding: 'utf8' });
  expect(description.uuid).toBe(seen.trim());
  expect(opened(image)).toMatchObject({ uuid: seen.trim(), label: 'Größe' });
  const facts = execFileSync('ntfsinfo', ['-m', path], { encoding: 'utf8' });
  const free = /Free Clusters:\s*(\d+)/.exec(facts)?.[1];
  expect(opened(image).freeBytes).toBe(BigInt(free ?? -1) * 4096n);
});

test('counts the free records that $MFT has, and those that it could have', () => {
  const data = attributePlace(layout.systemRecord.mft, layout.attributeType.data);
  const records = Number(image.readBigUInt64LE(data + layout.attribute.initializedSize)) / recordSize;
  const free = Array.from({ length: records }, (_, number) => recordPlace(number)).filter(
    (place) => (image.readUInt16LE(place + layout.record.flags) & layout.recordFlag.inUse) === 0,
  );
  const filesystem = opened(image);
  expect(free.length).toBeGreaterThan(0);
  expect(filesystem.freeInodes).toBe(BigInt(free.length) + filesystem.freeBytes / BigInt(recordSize));
});

test('sees that Windows wants the volume to be checked', () => {
  const value = attributePlace(layout.systemRecord.volume, layout.attributeType.volumeInformation);
  const flags =
    value + image.readUInt16LE(value + layout.attribute.valueOffset) + layout.volumeInformation.flags;
  const mirror = Number(image.readBigUInt64LE(layout.boot.mirrorCluster)) * 4096;
  const dirty = changed((bytes) => {
    bytes.writeUInt16LE(layout.volumeFlag.dirty, flags);
    bytes.writeUInt16LE(layout.volumeFlag.dirty, flags - recordPlace(0) + mirror);
  });
  const judged = join(folder, 'dirty');
  writeFileSync(judged, dirty);
  expect(execFileSync('ntfsinfo', ['-f', '-m', judged], { encoding: 'utf8', stdio: 'pipe' })).toMatch(
    /Volume Flags:.*DIRTY/,
  );
  expect(opened(dirty).clean).toBe(false);
  expect(ntfs.describe(memorySource(dirty)).properties['clean']).toBe(false);
});

/** A restart page of $LogFile as Windows writes it. */
function restartPage(logBytes: number, clientsInUse: number, flags: number): Buffer {
  const page = Buffer.alloc(4096);
  page.write('RSTR');
  page.writeUInt16LE(0x1e, 4);
  page.writeUInt16LE(9, 6);
  page.writeUInt32LE(4096, 16);
  page.writeUInt32LE(4096, 20);
  page.writeUInt16LE(0x30, 24);
  page.writeUInt16LE(1, 26);
  page.writeUInt16LE(1, 28);
  const area = page.subarray(0x30);
  area.writeBigUInt64LE(4_242_424n, 0);
  area.writeUInt16LE(1, 8);
  area.writeUInt16LE(clientsInUse === 0xffff ? 0 : 0xffff, 10);
  area.writeUInt16LE(clientsInUse, 12);
  area.writeUInt16LE(flags, 14);
  area.writeUInt32LE(67 - logBytes.toString(2).length, 16);
  area.writeUInt16LE(0x30 + 160, 20);
  area.writeUInt16LE(0x30, 22);
  area.writeBigUInt64LE(BigInt(logBytes), 24);
  area.writeUInt16LE(0x30, 36);
  area.writeUInt16LE(0x40, 38);
  const client = area.subarray(0x30);
  client.writeUInt16LE(0xffff, 16);
  client.writeUInt16LE(0xffff, 18);
  client.writeUInt32LE(8, 28);
  client.write('NTFS', 32, 'utf16le');
  page.writeUInt16LE(7, 0x1e);
  for (let end = 512; end <= 4096; end += 512) {
    page.writeUInt16LE(7, end - 2);
  }
  return page;
}

test('sees that the log was not replayed, as ntfs-3g does', () => {
  const place = image.indexOf(Buffer.alloc(65_536, 0xff));
  const logFile = attributePlace(layout.systemRecord.logFile, layout.attributeType.data);
  const logBytes = Number(image.readBigUInt64LE(logFile + layout.attribute.size));
  const judged = join(folder, 'logged');
  const cases = [
    [0, 0, false],
    [0xffff, 0, true],
    [0, 2, true],
  ] as const;
  for (const [clientsInUse, flags, isClean] of cases) {
    const bytes = changed((copy) => {
      const page = restartPage(logBytes, clientsInUse, flags);
      page.copy(copy, place);
      page.copy(copy, place + 4096);
    });
    writeFileSync(judged, bytes);
    const code = execFileSync('sh', [
      '-c',
      'ntfs-3g.probe --readwrite "$1" 2>&1; echo "code $?"',
      'sh',
      judged,
    ]);
    expect(code.toString()).toContain(isClean ? 'code 0' : 'code 15');
    expect(opened(bytes).clean).toBe(isClean);
    expect(opened(bytes).gaps).toMatchObject(isClean ? [] : [{ where: '$LogFile', reason: 'unclean' }]);
  }
});

test('refuses encrypted files', () => {
  const inode = find(opened(image), 'large.bin');
  const flags = attributePlace(inode, layout.attributeType.data) + layout.attribute.flags;
  const filesystem = opened(changed((bytes) => bytes.writeUInt16LE(layout.attributeFlag.encrypted, flags)));
  expect(filesystem.status(inode).size).toBe(70_001n);
  expect(() => filesystem.openFile(inode)).toThrow(
    expect.objectContaining({
      code: 'filesystem_unsupported',
      message: expect.stringContaining('encrypted'),
    }),
  );
});

test('reads zeros where nothing was written yet', () => {
  const inode = find(opened(image), 'large.bin');
  const place = attributePlace(inode, layout.attributeType.data) + layout.attribute.initializedSize;
  const filesystem = opened(changed((bytes) => bytes.writeBigUInt64LE(5000n, place)));
  const content = Buffer.from(files.get('large.bin') as Buffer).fill(0, 5000);
  expect(contentOf(filesystem, inode).equals(content)).toBe(true);
});

test('notices structures that were not written as a whole', () => {
  const inode = find(opened(image), 'tiny');
  const torn = changed((bytes) => bytes.writeUInt16LE(0xabcd, recordPlace(inode) + 510));
  expect(() => opened(torn).status(inode)).toThrow(
    expect.objectContaining({
      code: 'filesystem_corrupt',
      message: expect.stringContaining('update sequence'),
    }),
  );
  const block = image.indexOf('INDX', image.indexOf('a file with', 0, 'utf16le') - 4096);
  const tornIndex = changed((bytes) => {
    for (let at = bytes.indexOf('INDX'); at >= 0; at = bytes.indexOf('INDX', at + 4)) {
      bytes.writeUInt16LE(0xabcd, at + 1022);
    }
  });
  expect(block).toBeGreaterThan(0);
  expect(() => opened(tornIndex).readDirectory(5)).toThrow(
    expect.objectContaining({ code: 'filesystem_corrupt', message: expect.stringContaining('index block') }),
  );
});

test('refuses a volume that is cut off', () => {
  expect(() => opened(image.subarray(0, image.length - 8192))).toThrow(
    expect.objectContaining({ code: 'image_truncated' }),
  );
});

test('does not take the copy of an old boot sector for a filesystem when another one stands there', () => {
  const alone = changed((bytes) => bytes.fill(0, 0, 512));
  expect(ntfs.detect(memorySource(alone))).toEqual({ answer: 'yes' });
  const other = changed((bytes) => bytes.fill(0, 0, 512).write('\x10\x20\xf5\xf2', 1024, 'latin1'));
  expect(ntfs.detect(memorySource(other))).toEqual({ answer: 'no' });
});

test('ends with an error of ours, and soon, whatever the bytes are', () => {
  const start = recordPlace(0);
  const used = [...image.keys()].filter(
    (at) => image[at] !== 0 && (at < 100 || (at >= start && at < start + 80_000)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(2_097_152), { freq: 5 }),
      (flips, cut) => {
        const damaged = Buffer.from(cut === null ? image : image.subarray(0, cut));
        for (const [choice, value] of flips) {
          damaged[used[choice % used.length] as number] = value;
        }
        let reads = 0;
        const inner = memorySource(damaged);
        const attempt = (work: () => void): void => {
          try {
            work();
          } catch (error) {
            expect(error).toBeInstanceOf(ColdpatchError);
          }
        };
        attempt(() => {
          const filesystem = ntfs.open?.({
            size: inner.size,
            read(offset, into) {
              reads += 1;
              inner.read(offset, into);
            },
          }) as Filesystem;
          attempt(() => filesystem.freeBytes);
          attempt(() => filesystem.freeInodes);
          for (const { inode } of filesystem.readDirectory(filesystem.rootInode)) {
            attempt(() => filesystem.fingerprint(inode));
            attempt(() => filesystem.status(inode));
            attempt(() => readBytes(filesystem.openFile(inode), 0n, 19));
          }
        });
        expect(reads).toBeLessThan(2000);
      },
    ),
    { numRuns: 100 },
  );
});
