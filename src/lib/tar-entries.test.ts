import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isColdpatchError } from './errors.ts';
import { tarEntries } from './tar-entries.ts';

const folder = mkdtempSync(join(tmpdir(), 'tar-'));
afterAll(() => rmSync(folder, { recursive: true }));

const longName = `${'directory/'.repeat(20)}file`;
const options = { what: 'the test', code: 'package_corrupt' } as const;

function archive(format: string): Buffer {
  const top = mkdtempSync(join(folder, format));
  mkdirSync(join(top, 'directory/'.repeat(20)), { recursive: true });
  writeFileSync(join(top, 'a'), 'first');
  writeFileSync(join(top, 'empty'), '');
  writeFileSync(join(top, 'large'), Buffer.alloc(100_000, 'x'));
  writeFileSync(join(top, longName), 'deep');
  symlinkSync('target', join(top, 'link'));
  const path = `${top}.tar`;
  execFileSync('tar', [
    '-C',
    top,
    `--format=${format}`,
    '-cf',
    path,
    'a',
    'empty',
    'large',
    'link',
    longName,
  ]);
  return readFileSync(path);
}

async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number) {
  const found: (readonly [string, string, number, string])[] = [];
  for await (const entry of tarEntries(inParts(bytes, size), options)) {
    const parts: Uint8Array[] = [];
    if (entry.name !== 'large') for await (const part of entry.content) parts.push(part);
    found.push([entry.name, entry.type, entry.size, Buffer.concat(parts).toString() || entry.linkName]);
  }
  return found;
}

test.each(['gnu', 'pax', 'ustar'])('reads what tar writes as %s, however the bytes come', async (format) => {
  const bytes = archive(format);
  for (const size of [1000, 512, 7, 1_000_000]) {
    expect(await read(bytes, size)).toEqual([
      ['a', '0', 5, 'first'],
      ['empty', '0', 0, ''],
      ['large', '0', 100_000, ''],
      ['link', '2', 0, 'target'],
      [longName, '0', 4, 'deep'],
    ]);
  }
});

test('refuses what is no archive, and what ends too early', async () => {
  const bytes = archive('gnu');
  const failures = [
    Buffer.alloc(2048, 'x'),
    bytes.subarray(0, 700),
    Buffer.concat([bytes.subarray(0, 5000), bytes]),
  ];
  for (const broken of failures) {
    await expect(read(broken, 512)).rejects.toSatisfy((error) => isColdpatchError(error, 'package_corrupt'));
  }
});
