import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { memoryTree } from '../../guest/fixtures/memory-filesystem.ts';
import { poolPath, poolRoot } from '../../upgrades/pool/pool-path.ts';
import type { PackageArrival } from '../../upgrades/types.ts';
import { needsRunningSystem } from './needs-running-system.ts';

const cacheDirectory = mkdtempSync(join(tmpdir(), 'coldpatch-scripts-'));
afterAll(() => rmSync(cacheDirectory, { recursive: true }));

/** A real package with these scripts, in the pool. */
function pooled(name: string, scripts: Readonly<Record<string, string>>): PackageArrival {
  const top = join(cacheDirectory, 'build', name);
  mkdirSync(join(top, 'DEBIAN'), { recursive: true });
  const control = `Package: ${name}\nVersion: 2\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: test\n`;
  writeFileSync(join(top, 'DEBIAN/control'), control);
  for (const [script, text] of Object.entries(scripts))
    writeFileSync(join(top, 'DEBIAN', script), `#!/bin/sh\nset -e\n${text}\n`, { mode: 0o755 });
  const built = join(cacheDirectory, `${name}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', top, built], { stdio: 'ignore' });
  const bytes = readFileSync(built);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = { name, version: '2', architecture: 'all', uri: '', size: bytes.length, sha256 };
  const path = poolPath(poolRoot(cacheDirectory), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return { name, architecture: 'all', from: '1', to: '2', file, installedSize: undefined, suite: 'stable' };
}

const tree = memoryTree({
  'var/lib/dpkg/info/app.postinst': '#!/bin/sh\nmodprobe old\n',
  'var/lib/dpkg/info/app.prerm': '#!/bin/sh\nservice app stop\n',
  'var/lib/dpkg/info/gone:amd64.postrm': '#!/bin/sh\nudevadm trigger\n',
  'var/lib/dpkg/info/gone:amd64.postinst': '#!/bin/sh\nmodprobe gone\n',
});

test('reads the new scripts of a package in the pool, and the old ones that its going runs', async () => {
  const app = pooled('app', {
    postinst: 'pg_upgradecluster 14 main\npg_upgradecluster 14 main',
    prerm: 'modprobe never',
  });
  expect(await needsRunningSystem([app], { tree, cacheDirectory })).toEqual([
    {
      package: 'app',
      script: 'postinst',
      readFrom: 'package',
      command: 'pg_upgradecluster 14 main',
      needs: 'a running PostgreSQL',
      isTolerated: false,
    },
    {
      package: 'app',
      script: 'prerm',
      readFrom: 'installed',
      command: 'service app stop',
      needs: 'running services',
      isTolerated: false,
    },
  ]);
});

test('without the package the scripts of the installed version stand for it', async () => {
  const app = pooled('app', {});
  rmSync(poolPath(poolRoot(cacheDirectory), app.file));
  const needs = await needsRunningSystem([app], { tree, cacheDirectory });
  expect(needs.map(({ script, readFrom }) => [script, readFrom])).toEqual([
    ['postinst', 'installed'],
    ['prerm', 'installed'],
  ]);
  expect(await needsRunningSystem([{ ...app, from: null }], { tree, cacheDirectory })).toEqual([]);
});

test('of a package that goes only what its going runs counts', async () => {
  const gone = { name: 'gone', architecture: 'amd64', from: '1', to: null } as const;
  const needs = await needsRunningSystem([gone], { tree, cacheDirectory });
  expect(needs.map(({ script }) => script)).toEqual(['postrm']);
});

test('a file in the pool that is no package is as none', async () => {
  const app = pooled('app', { postinst: 'modprobe new' });
  writeFileSync(poolPath(poolRoot(cacheDirectory), app.file), Buffer.alloc(app.file.size));
  const needs = await needsRunningSystem([app], { tree, cacheDirectory });
  expect(needs.map(({ command }) => command)).toEqual(['modprobe old', 'service app stop']);
});
