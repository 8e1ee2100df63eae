import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPackageScripts } from './read-package-scripts.ts';

const folder = mkdtempSync(join(tmpdir(), 'archive-'));
beforeAll(() => {
  const tree = join(folder, 'DEBIAN');
  mkdirSync(tree);
  writeFileSync(join(tree, 'control'), 'Package: app\nVersion: 1\nArchitecture: all\n');
  writeFileSync(join(tree, 'postinst'), '#!/bin/sh\n', { mode: 0o755 });
  execFileSync('tar', ['-C', tree, '-cf', join(folder, 'control.tar'), './control', './postinst']);
  writeFileSync(join(folder, 'debian-binary'), '2.0\n');
  writeFileSync(join(folder, 'data.tar'), Buffer.alloc(10_240));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A package whose control archive goes on with zeros. */
function packageWith(padding: number): string {
  const path = join(folder, `padding-${padding}.deb`);
  const control = readFileSync(join(folder, 'control.tar'));
  writeFileSync(join(folder, 'control.tar'), Buffer.concat([control, Buffer.alloc(padding)]));
  execFileSync('ar', ['rc', path, 'debian-binary', 'control.tar', 'data.tar'], { cwd: folder });
  writeFileSync(join(folder, 'control.tar'), control);
  return path;
}

test.each([0, 500_000])('%d zeros after the archive are passed over', async (padding) =>
  expect([...(await readPackageScripts(packageWith(padding)))]).toEqual([['postinst', '#!/bin/sh\n']]),
);

test('an archive that goes on for long after its end is no package', async () =>
  expect(readPackageScripts(packageWith(3_000_000))).rejects.toMatchObject({ code: 'package_corrupt' }));
