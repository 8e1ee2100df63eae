/** Systems that do not lie on plain partitions: what is refused before anything is copied, and by which words. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { assertUpgradable } from '../src/patch/assert-upgradable.ts';
import { applianceEngine } from '../src/patch/engines/appliance/index.ts';
import { namespaceEngine } from '../src/patch/engines/namespace/index.ts';
import { examineImage } from '../src/patch/examine-image.ts';
import { makeLvmDisk, withLvm } from './support/lvm-disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-lvm-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const mebibyte = 1024 * 1024;

const system: Readonly<Record<string, string>> = {
  'etc/os-release': 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n',
  'etc/debian_version': '12.0\n',
  'etc/fstab': '/dev/mapper/group-root / ext4 defaults 0 1\n',
  'var/lib/dpkg/info/format': '1\n',
  'var/lib/dpkg/arch': 'amd64\n',
  'var/lib/dpkg/status':
    'Package: dpkg\nStatus: install ok installed\nVersion: 1.21\nArchitecture: amd64\nMaintainer: nobody\nDescription: x\n\n',
};

/** Of 40 MiB. */
function makeSystem(): Uint8Array {
  const files = join(folder, 'files');
  for (const [path, content] of Object.entries(system)) {
    mkdirSync(join(files, dirname(path)), { recursive: true });
    writeFileSync(join(files, path), content);
  }
  mkdirSync(join(files, 'usr'));
  const filesystem = join(folder, 'filesystem');
  writeFileSync(filesystem, '');
  truncateSync(filesystem, 40 * mebibyte);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', files, filesystem]);
  return readFileSync(filesystem);
}

function write(path: string, bytes: Uint8Array, at: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

test('a system whose root is a volume of LVM: the engine appliance takes it, the engine namespace does not', () => {
  const disk = makeLvmDisk(folder, 1, [1]);
  withLvm(disk, folder, (lvm, [device = '']) => {
    lvm('vgcreate', '--physicalextentsize', '1m', 'group', device);
    lvm('lvcreate', '-an', '-Zn', '-Wn', '-n', 'root', '-l', '40', 'group');
  });
  // The first extent: LVM keeps one MiB before it.
  write(disk.path, makeSystem(), (disk.starts[0] as number) + mebibyte);
  const examined = examineImage({ path: disk.path });
  try {
    expect(examined.reading.mounts).toMatchObject([{ path: '/', volume: { name: 'group/root' } }]);
    expect(examined.inspection.layout.volumes).toMatchObject([
      { name: 'partition 1', container: 'lvm2', filesystem: null },
      { name: 'group/root', manager: 'lvm2', start: null, filesystem: 'ext4', mountPoint: '/' },
    ]);
    expect(() => assertUpgradable(examined, applianceEngine, false)).not.toThrow();
    expect(() => assertUpgradable(examined, namespaceEngine, false)).toThrow(
      expect.objectContaining({
        code: 'volume_unsupported',
        message: expect.stringContaining('/ lies on group/root, a volume of lvm2 (striped)'),
      }),
    );
  } finally {
    examined.close();
  }
});

test('a system on an encrypted partition is refused, and the message says which it is and that no key is taken', () => {
  const encrypted = join(folder, 'encrypted');
  writeFileSync(encrypted, '');
  truncateSync(encrypted, 20 * mebibyte);
  const quick = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', '--type', 'luks2'];
  execFileSync('cryptsetup', ['luksFormat', '-q', ...quick, encrypted, '-'], { input: 'password' });
  const boot = join(folder, 'boot');
  writeFileSync(boot, '');
  truncateSync(boot, 20 * mebibyte);
  execFileSync('mke2fs', ['-q', '-t', 'ext4', boot]);
  const path = join(folder, 'disk.raw');
  writeFileSync(path, '');
  truncateSync(path, 42 * mebibyte);
  execFileSync('sfdisk', ['-q', path], {
    input: 'label: gpt\nstart=1MiB, size=20MiB\nstart=21MiB, size=20MiB\n',
    stdio: 'pipe',
  });
  write(path, readFileSync(boot), mebibyte);
  write(path, readFileSync(encrypted), 21 * mebibyte);
  expect(() => examineImage({ path })).toThrow(
    expect.objectContaining({
      code: 'image_encrypted',
      message: expect.stringMatching(/Partition 2 is encrypted by LUKS 2 .*takes no keys/),
    }),
  );
});
