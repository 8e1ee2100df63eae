import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { versioningOf } from '../../guest/versioning/registry.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { fixesSince } from './fixes-since.ts';
import { packageChangelogs } from './package-changelogs.ts';
import { parseChangelog } from './parse-changelog.ts';

const folder = mkdtempSync(join(tmpdir(), 'changelogs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const text = `tool (2:1.4-2+deb12u3) bookworm-security; urgency=high

  * Fixes CVE-2026-0003, and CVE-2025-0001 for good (CVE-2026-0003).

 -- A. Maintainer <a@example.org>  Mon, 16 Nov 2026 11:17:40 +0100

tool (2:1.4-2+deb12u2) bookworm; urgency=medium

  * No hole at all.

 -- A. Maintainer <a@example.org>  Mon, 05 Oct 2026 11:17:40 +0100

tool (2:1.4-2+deb12u1) bookworm-security proposed-updates; urgency=medium

  * A first try at CVE-2025-0001; not XCVE-2024-0009 nor CVE-24-1.

 -- A. Maintainer <a@example.org>  Sun, 04 Oct 2026 11:17:40 +0100

tool (2:1.4-2) unstable; urgency=low

  * CVE-2024-0002

 -- A. Maintainer <a@example.org>  Sat, 03 Oct 2026 11:17:40 +0100
`;

function makePackage(name: string, files: Readonly<Record<string, Buffer>>, compression = 'xz'): string {
  const top = mkdtempSync(join(folder, 'package-'));
  mkdirSync(join(top, 'DEBIAN'));
  const control = `Package: ${name}\nVersion: 2:1.4-2+deb12u3\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n`;
  writeFileSync(join(top, 'DEBIAN/control'), control);
  mkdirSync(join(top, 'usr/share/doc', name), { recursive: true });
  for (const [file, bytes] of Object.entries(files))
    writeFileSync(join(top, 'usr/share/doc', name, file), bytes);
  const path = join(folder, `${name}-${compression}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', top, path], {
    stdio: 'ignore',
  });
  return path;
}

function pooled(path: string, sha256: string) {
  return { name: 'tool', version: '2:1.4-2+deb12u3', architecture: 'all', uri: '', size: 0, sha256, path };
}

test('an entry has its version, its place and the vulnerabilities that it names, each once', () => {
  expect(
    parseChangelog(text).map(({ version, distributions, vulnerabilities }) => [
      version,
      distributions,
      vulnerabilities,
    ]),
  ).toEqual([
    ['2:1.4-2+deb12u3', 'bookworm-security', ['CVE-2026-0003', 'CVE-2025-0001']],
    ['2:1.4-2+deb12u2', 'bookworm', []],
    ['2:1.4-2+deb12u1', 'bookworm-security proposed-updates', ['CVE-2025-0001']],
    ['2:1.4-2', 'unstable', ['CVE-2024-0002']],
  ]);
  expect(parseChangelog(text)[0]).toMatchObject({
    source: 'tool',
    urgency: 'high',
    date: 'Mon, 16 Nov 2026 11:17:40 +0100',
  });
  expect(parseChangelog('Upstream changes\n\n * CVE-2020-1234\n')).toEqual([]);
});

test('only what came after the installed version counts, and the first version that fixed it', () => {
  const entries = parseChangelog(text);
  const deb = versioningOf('deb');
  const { fixedIn, reachesInstalled } = fixesSince(entries, '2:1.4-2', deb);
  expect([...fixedIn].map(([id, { version }]) => [id, version])).toEqual([
    ['CVE-2026-0003', '2:1.4-2+deb12u3'],
    ['CVE-2025-0001', '2:1.4-2+deb12u1'],
  ]);
  expect(reachesInstalled).toBe(true);

  expect(fixesSince(entries, '2:1.4-2+deb12u2', deb).fixedIn.size).toBe(2);
  expect(fixesSince(entries, '2:1.4-2+deb12u3', deb)).toEqual({
    fixedIn: new Map(),
    lagsSince: null,
    reachesInstalled: true,
  });
  expect(fixesSince(entries, '2:1.3-1', deb).reachesInstalled).toBe(false);
  expect(fixesSince(parseChangelog(text.replace('2:1.4-2+deb12u2', '2:_')), '2:1.4-2', deb)).toMatchObject({
    reachesInstalled: false,
  });
});

test('what was made for another release counts from when it came to this one', () => {
  const backport = text
    .replace(') bookworm; urgency=medium', ') unstable; urgency=medium')
    .replace('* No hole', '* CVE-2026-0002');
  const { fixedIn, lagsSince } = fixesSince(parseChangelog(backport), '2:1.4-2', versioningOf('deb'));
  const days = [...fixedIn].map(([id, { publishedAt }]) => [id, publishedAt?.slice(0, 10)]);
  expect(days).toEqual([
    ['CVE-2026-0003', '2026-11-16'],
    ['CVE-2025-0001', '2026-10-04'],
    ['CVE-2026-0002', '2026-11-16'],
  ]);
  expect(lagsSince?.slice(0, 10)).toBe('2026-10-04');
});

test("a package's own changelog is read, that of its maintainer before upstream's", async () => {
  const upstream = gzipSync('Changes\n CVE-1999-0001\n');
  const files = { 'changelog.gz': upstream, 'changelog.Debian.gz': gzipSync(text) };
  const both = makePackage('both', files);
  const native = makePackage('native', { 'changelog.gz': gzipSync(text) }, 'zstd');
  const none = makePackage('none', {}, 'gzip');
  const packages = [
    pooled(both, 'a'.repeat(64)),
    pooled(native, 'b'.repeat(64)),
    pooled(none, 'c'.repeat(64)),
  ];
  const cacheDirectory = join(folder, 'cache');
  const found = await packageChangelogs(packages, { cacheDirectory });
  expect([...found.keys()]).toEqual(['a'.repeat(64), 'b'.repeat(64)]);
  expect(found.get('a'.repeat(64))).toEqual(parseChangelog(text));
  for (const { path } of packages) rmSync(path);
  expect(await packageChangelogs(packages, { cacheDirectory })).toEqual(found);
});

test('a file that is no package, or holds no proper changelog, is an error of ours', async () => {
  const broken = join(folder, 'broken.deb');
  writeFileSync(broken, 'no package');
  const bomb = makePackage('bomb', { 'changelog.Debian.gz': gzipSync(Buffer.alloc(80_000_000)) });
  const options = { cacheDirectory: join(folder, 'other') };
  const isCorrupt = (error: unknown) => isColdpatchError(error, 'package_corrupt');
  await expect(packageChangelogs([pooled(bomb, 'e'.repeat(64))], options)).rejects.toSatisfy(isCorrupt);
  await expect(packageChangelogs([pooled(broken, 'd'.repeat(64))], options)).rejects.toSatisfy(isCorrupt);
});
