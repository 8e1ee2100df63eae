import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectPath } from './inspect-path.ts';

let directory = '';
let image = '';

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'inspect-path-'));
  image = join(directory, 'disk.raw');
  const tree = join(directory, 'tree');
  const files = {
    'usr/lib/os-release': 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n',
    'etc/debian_version': 'trixie/sid\n',
    'etc/hostname': 'till\n',
    'etc/fstab': '/dev/sda / ext4 defaults 0 1\n',
    'boot/vmlinuz-6.8.0-31-generic': 'kernel',
    'var/lib/dpkg/status': 'Package: dpkg\nStatus: install ok installed\nArchitecture: arm64\nVersion: 1:2\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  symlinkSync('/usr/lib/os-release', join(tree, 'etc/os-release'));
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '8M']);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('a filesystem that mke2fs made, without a partition table', () => {
  const inspection = inspectPath({ path: image, format: 'raw' });
  expect(inspection).toMatchObject({
    image: { path: image, format: 'raw', virtualSize: 8 * 1024 * 1024 },
    layout: { partitionTable: null, volumes: [{ name: 'disk', filesystem: 'ext4', mountPoint: '/' }] },
    operatingSystem: { id: 'ubuntu', versionId: '24.04', architecture: 'arm64' },
    packages: [{ name: 'dpkg', version: '1:2' }],
    kernels: [{ release: '6.8.0-31-generic', image: '/boot/vmlinuz-6.8.0-31-generic', inBootMenu: false }],
    boot: { loader: 'unknown', firmware: [] },
    identity: { hostName: 'till' },
    gaps: [],
  });
});

test('an empty disk has no system, and a gap says so', () => {
  const empty = join(directory, 'empty.raw');
  writeFileSync(empty, '');
  truncateSync(empty, 1024 * 1024);
  const inspection = inspectPath({ path: empty, format: 'raw' });
  expect(inspection.operatingSystem).toBeNull();
  expect(inspection.gaps.map(({ where }) => where)).toContain('image');
});
