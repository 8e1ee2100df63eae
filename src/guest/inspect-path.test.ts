import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectMany } from './inspect-many.ts';
import { inspectPath } from './inspect-path.ts';
import { openTree } from './open-tree.ts';

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

test('an EFI system partition is read where the fstab has it', () => {
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'boot/efi'));
  const fstab = '/dev/sda1 / ext4 defaults 0 1\nUUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n';
  writeFileSync(join(tree, 'etc/fstab'), fstab);
  const root = join(directory, 'root');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, root, '8M']);
  const efi = join(directory, 'efi');
  writeFileSync(efi, '');
  truncateSync(efi, 2 * 1024 * 1024);
  execFileSync('mkfs.fat', ['-i', 'ABCD1234', efi], { stdio: 'pipe' });
  execFileSync('mmd', ['-i', efi, '::EFI', '::EFI/BOOT'], { stdio: 'pipe' });
  execFileSync('mcopy', ['-i', efi, join(tree, 'etc/hostname'), '::EFI/BOOT/BOOTX64.EFI'], { stdio: 'pipe' });
  const disk = join(directory, 'disk-with-efi.raw');
  writeFileSync(disk, Buffer.concat([Buffer.alloc(1_048_576), readFileSync(root), readFileSync(efi)]));
  truncateSync(disk, 12 * 1024 * 1024);
  execFileSync('sfdisk', ['-q', disk], {
    input: 'label: gpt\nstart=2048, size=16384, type=linux\nstart=18432, size=4096, type=uefi\n',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  expect(inspectPath({ path: disk, format: 'raw' })).toMatchObject({
    layout: {
      partitionTable: 'gpt',
      volumes: [
        { filesystem: 'ext4', mountPoint: '/' },
        { filesystem: 'fat', uuid: 'ABCD-1234', clean: true, mountPoint: '/boot/efi' },
      ],
    },
    boot: { firmware: ['uefi'] },
    state: { clean: true },
    gaps: [],
  });
  const { tree: files, close } = openTree({ path: disk, format: 'raw' });
  try {
    expect(files.readText('/boot/efi/EFI/BOOT/BOOTX64.EFI')).toBe('till\n');
  } finally {
    close();
  }
});

test('an empty disk has no system, and a gap says so', () => {
  const empty = join(directory, 'empty.raw');
  writeFileSync(empty, '');
  truncateSync(empty, 1024 * 1024);
  const inspection = inspectPath({ path: empty, format: 'raw' });
  expect(inspection.operatingSystem).toBeNull();
  expect(inspection.gaps.map(({ where }) => where)).toContain('image');
});

test('a compressed image is inspected in a thread like any other', async () => {
  execFileSync('gzip', ['-k', image]);
  const answers = [];
  for await (const answer of inspectMany([
    { path: `${image}.gz` },
    { path: `${image}.gz`, scratch: { limit: 9 } },
  ])) {
    answers.push(answer);
  }
  expect(answers).toMatchObject([
    { value: { image: { format: 'raw', compression: 'gzip' }, identity: { hostName: 'till' }, gaps: [] } },
    { error: { code: 'limit_exceeded' } },
  ]);
});
