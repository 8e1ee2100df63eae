import { expect, test } from 'vitest';
import { parseRelease } from './parse-release.ts';

const digest = 'AB'.repeat(32);
const sums = `SHA256:\n ${digest} 12 main/binary-amd64/Packages.xz\n`;
const parse = (text: string): ReturnType<typeof parseRelease> =>
  parseRelease(Buffer.from(text), 'http://a.example/ stable');

test('reads the fields that decide', () => {
  const text = `Suite: oldstable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nValid-Until: Sat, 18 Jul 2026 10:16:37 +0200\nAcquire-By-Hash: yes\nNotAutomatic: yes\nArchitectures: all amd64\n${sums}`;
  expect(parse(text)).toEqual({
    suite: 'oldstable',
    codename: 'bookworm',
    date: new Date('2026-07-11T10:16:37Z'),
    validUntil: new Date('2026-07-18T08:16:37Z'),
    acquireByHash: true,
    notAutomatic: true,
    hasListsForAll: true,
    files: new Map([['main/binary-amd64/Packages.xz', { size: 12, sha256: digest.toLowerCase() }]]),
  });
});

test('knows when lists of all architectures are only inside the others', () => {
  const text = `Date: 1 Jan 2026 00:00:00 GMT\nArchitectures: all amd64\nNo-Support-for-Architecture-all: Packages\n${sums}`;
  expect(parse(text)).toMatchObject({ hasListsForAll: false, validUntil: undefined });
});

test.each([
  ['', 'fields'],
  [sums, 'a Date'],
  [`Date: 2026-07-11\n${sums}`, 'a Date'],
  [`Date: Sat, 11 Jul 2026 10:16:37 UTC\nValid-Until: never\n${sums}`, 'Valid-Until'],
  ['Date: Sat, 11 Jul 2026 10:16:37 UTC\nMD5Sum:\n x 1 y\n', 'SHA-256'],
  [`Date: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n ${digest} -1 Packages\n`, 'SHA256 size path'],
  [
    `Date: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n ${digest} 9999999999999999 Packages\n`,
    'SHA256 size path',
  ],
])('refuses %j', (text, words) => {
  expect(() => parse(text)).toThrow(
    expect.objectContaining({ code: 'repository_corrupt', message: expect.stringContaining(words) }),
  );
});
