import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostBytesOf } from './host-bytes-of.ts';
import { makeJobDisk } from './make-job-disk.ts';
import { unpackPackage } from '../../../upgrades/pool/unpack-package.ts';

const mebibyte = 1024 * 1024;

test('a package and the job disk that holds it take no more than is asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coldpatch-room-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const tree = join(folder, 'package');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const control = ['Package: app', 'Version: 1', 'Architecture: all', 'Maintainer: nobody', 'Description: x'];
  writeFileSync(join(tree, 'DEBIAN/control'), `${control.join('\n')}\n`);
  writeFileSync(join(tree, 'zeros'), Buffer.alloc(6 * mebibyte));
  for (let index = 0; index < 200; index += 1) writeFileSync(join(tree, `file-${index}`), 'some text\n');
  const packed = join(folder, 'app.deb');
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '-b', tree, packed], { stdio: 'ignore' });
  // As dpkg-gencontrol counts it.
  const installedSize = (6 * 1024 + 200) * 1024;
  const job = join(folder, 'job');
  mkdirSync(job);
  const { signal } = new AbortController();
  const limit = 16 * mebibyte;
  const unpacked = (await unpackPackage(packed, join(job, 'app.deb'), { limit, signal })) ?? limit;
  await makeJobDisk(job, join(folder, 'disk'), signal);
  const { size, blocks } = statSync(join(folder, 'disk'));
  const asked = hostBytesOf(0n, [{ size: statSync(packed).size, installedSize }]);
  expect(BigInt(unpacked + size)).toBeLessThanOrEqual(asked);
  expect(BigInt(unpacked + blocks * 512)).toBeLessThanOrEqual(asked);
});

test('what the copy grows by comes in the place of the unpacked tree', () => {
  const packages = [{ size: mebibyte, installedSize: 100 * mebibyte }];
  const without = hostBytesOf(0n, packages);
  expect(hostBytesOf(BigInt(50 * mebibyte), packages)).toBe(without);
  const grown = hostBytesOf(BigInt(1000 * mebibyte), packages);
  expect(grown).toBeGreaterThan(BigInt(1100 * mebibyte));
  expect(grown).toBeLessThan(without + BigInt(1000 * mebibyte));
});

test('a package that does not say its size counts as several times its file', () => {
  const said = hostBytesOf(0n, [{ size: mebibyte, installedSize: mebibyte }]);
  expect(hostBytesOf(0n, [{ size: mebibyte, installedSize: undefined }])).toBeGreaterThan(
    said + BigInt(8 * mebibyte),
  );
});
