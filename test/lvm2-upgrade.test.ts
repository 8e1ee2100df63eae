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
import { afterAll, expect, test } from 'vitest';
import { assertUpgradable } from '../src/patch/assert-upgradable.ts';
import { applianceEngine } from '../src/patch/engines/appliance/index.ts';
import { examineImage } from '../src/patch/examine-image.ts';
import { makeLvmDisk, withLvm } from './support/lvm-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-lvm-'));
afterAll(() => rmSync(folder, { recursive: true }));

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

test('inspects a system whose root is a volume of LVM, and refuses to upgrade it', () => {
  const disk = makeLvmDisk(folder, 1, [1]);
  withLvm(disk, folder, (lvm, [device = '']) => {
    lvm('vgcreate', '--physicalextentsize', '1m', 'group', device);
    lvm('lvcreate', '-an', '-Zn', '-Wn', '-n', 'root', '-l', '40', 'group');
  });
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
  const file = openSync(disk.path, 'r+');
  // The first extent: LVM keeps one MiB before it.
  writeSync(file, readFileSync(filesystem), 0, 40 * mebibyte, (disk.starts[0] as number) + mebibyte);
  closeSync(file);
  const examined = examineImage({ path: disk.path });
  try {
    expect(examined.reading.mounts).toMatchObject([{ path: '/', volume: { name: 'group/root' } }]);
    expect(examined.inspection.layout.volumes).toMatchObject([
      { name: 'partition 1', container: 'lvm2', filesystem: null },
      { name: 'group/root', manager: 'lvm2', start: null, filesystem: 'ext4', mountPoint: '/' },
    ]);
    expect(() => assertUpgradable(examined, applianceEngine, false)).toThrow(
      expect.objectContaining({
        code: 'volume_unsupported',
        message: expect.stringContaining('/ lies on group/root, a volume of lvm2'),
      }),
    );
  } finally {
    examined.close();
  }
});
