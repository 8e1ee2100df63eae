import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unpackPackage } from './unpack-package.ts';

const folder = mkdtempSync(join(tmpdir(), 'unpack-'));
const signal = new AbortController().signal;
beforeAll(() => {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    'Package: app\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: x\n',
  );
  writeFileSync(join(tree, 'text'), 'some words '.repeat(10_000));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['xz', 'gzip', 'none'])(
  'a package packed with %s has the same content unpacked',
  async (packing) => {
    const from = join(folder, `${packing}.deb`);
    const to = join(folder, `${packing}-unpacked.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', `-Z${packing}`, '-b', join(folder, 'tree'), from]);
    expect(await unpackPackage(from, to, { limit: 1024 * 1024, signal })).toBe(statSync(to).size);
    for (const option of ['--ctrl-tarfile', '--fsys-tarfile'])
      expect(execFileSync('dpkg-deb', [option, to])).toEqual(execFileSync('dpkg-deb', [option, from]));
    expect(readFileSync(to).includes('some words some words')).toBe(true);
  },
);

test.each([1, 5000, 100_000])('what is larger than %d bytes unpacked stays so long', async (limit) => {
  const from = join(folder, 'xz.deb');
  const to = join(folder, `at-most-${limit}.deb`);
  expect(await unpackPackage(from, to, { limit, signal })).toBeUndefined();
  expect(statSync(to).size).toBeLessThan(limit + 1000);
});

test('what is no package is an error', async () => {
  const from = join(folder, 'text.deb');
  writeFileSync(from, 'no package');
  await expect(unpackPackage(from, join(folder, 'never.deb'), { limit: 1024, signal })).rejects.toMatchObject(
    {
      code: 'host_tool_failed',
    },
  );
});
