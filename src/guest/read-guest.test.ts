import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Filesystem } from '../disk/filesystems/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { type FixtureFiles, memoryFilesystem } from './fixtures/memory-filesystem.ts';
import { type FixtureVolume, memoryImage } from './fixtures/memory-image.ts';
import { inspectImage } from './inspect-image.ts';
import type { Inspection } from './inspection.ts';
import { readGuest } from './read-guest.ts';

const rootUuid = '11111111-2222-4333-8444-555555555555';
const bootUuid = '22222222-2222-4333-8444-555555555555';
const status = (state: string) =>
  `Package: dpkg\nStatus: install ok ${state}\nArchitecture: amd64\nVersion: 1.21.22\n`;
const release = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\nVERSION_CODENAME=bookworm\n';
const system: FixtureFiles = {
  'etc/os-release': release,
  'etc/debian_version': '12\n',
  'etc/hostname': 'alpha\n',
  'var/lib/dpkg/status': status('installed'),
  'usr/bin/x': '',
};
const kernelFiles: FixtureFiles = {
  'vmlinuz-6.1.0-50-amd64': 'kernel',
  'initrd.img-6.1.0-50-amd64': 'initramfs',
  'vmlinuz-6.1.0-9-amd64': 'kernel',
  'grub/grub.cfg': "set default=0\nmenuentry 'Debian' { linux /vmlinuz-6.1.0-50-amd64 root=UUID=x ro\n }\n",
};
const boot = memoryFilesystem(kernelFiles, { uuid: bootUuid, label: 'boot' });

function root(fstab: string, files: FixtureFiles = {}, facts = {}) {
  return {
    filesystem: memoryFilesystem(
      { ...system, 'boot/x': '', 'etc/fstab': fstab, ...files },
      { uuid: rootUuid, ...facts },
    ),
  };
}
const read = (...volumes: readonly FixtureVolume[]) => readGuest(memoryImage(volumes));

describe('mounts', () => {
  test.each([
    `UUID=${bootUuid}`,
    `UUID="${bootUuid.toUpperCase()}"`,
    'LABEL=boot',
    'PARTUUID=aaaa',
    '/dev/vda2',
    '/dev/sda2',
    '/dev/nvme0n1p2',
    `/dev/disk/by-uuid/${bootUuid}`,
    '/dev/disk/by-label/b\\x6fot',
  ])('%s', (spec) => {
    const { guest, gaps, rootEntry } = read(
      root(`# comment\nUUID=${rootUuid} / ext4 errors=remount-ro 0 1\n${spec} /bo\\157t ext4 defaults 0 2\n`),
      { filesystem: boot, partitionUuid: 'AAAA' },
    );
    expect(gaps).toEqual([]);
    expect(guest?.mounts).toEqual([
      { path: '/', volume: 'partition 1' },
      { path: '/boot', volume: 'partition 2' },
    ]);
    expect(guest?.kernels.map(({ release, bootsByDefault }) => [release, bootsByDefault])).toEqual([
      ['6.1.0-50-amd64', true],
      ['6.1.0-9-amd64', false],
    ]);
    expect(rootEntry?.options).toEqual(['errors=remount-ro']);
  });

  test('of parts of the system that were not read are gaps', () => {
    const { gaps, guest } = read(
      root(
        'UUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\n/dev/mapper/vg-var /var ext4 defaults 0 0\n' +
          'UUID=9 /home ext4 defaults 0 0\ntmpfs /var/tmp tmpfs defaults 0 0\n/srv/usr /usr none bind 0 0\n',
      ),
      { type: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b' },
    );
    expect(gaps.map(({ where, reason }) => [where, reason])).toEqual([
      ['/var', 'unsupported'],
      ['/usr', 'unsupported'],
      ['/boot/efi', 'unsupported'],
    ]);
    expect(guest?.boot.firmware).toEqual(['uefi']);
  });

  test('on another disk are missing', () => {
    expect(read(root('/dev/vdb1 /var ext4 defaults 0 0\n')).gaps).toMatchObject([
      { where: '/var', reason: 'missing', detail: '/dev/vdb1 is not in this image' },
    ]);
  });

  test('without a directory, or over a loop of links, are gaps', () => {
    const { gaps } = read(
      root('LABEL=boot /opt/none ext4\nLABEL=boot /usr/loop ext4\n', { 'usr/loop': { link: 'loop' } }),
      { filesystem: boot },
    );
    expect(gaps.map(({ where, reason }) => [where, reason])).toEqual([
      ['/opt/none', 'missing'],
      ['/usr/loop', 'missing'],
    ]);
  });

  test('a separate /usr that brings the name of the system', () => {
    const usr = memoryFilesystem({ 'lib/os-release': release }, { uuid: bootUuid });
    const { guest } = read(
      root(`UUID=${bootUuid} /usr ext4\n`, { 'etc/os-release': { link: '../usr/lib/os-release' } }),
      { filesystem: usr },
    );
    expect(guest?.operatingSystem.id).toBe('debian');
  });
});

describe('a system of another family', () => {
  const apk = (name: string) => `P:${name}\nV:3.19.1-r0\nA:x86_64\n\n`;
  const alpine = {
    'etc/os-release': 'ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n',
    'etc/fstab': '',
    'usr/bin/x': '',
    'lib/apk/db/installed': apk('alpine-baselayout'),
  };
  const readFiles = (files: FixtureFiles) => read({ filesystem: memoryFilesystem(files) });

  test('is read under its own name', () => {
    const { guest, gaps } = readFiles(alpine);
    expect(guest?.operatingSystem).toEqual({
      id: 'alpine',
      versionId: '3.19.1',
      versionCodename: '',
      prettyName: 'Alpine Linux v3.19',
      architecture: 'x86_64',
    });
    expect(guest?.packages).toEqual([
      { name: 'alpine-baselayout', version: '3.19.1-r0', architecture: 'x86_64', manager: 'apk' },
    ]);
    expect(gaps).toEqual([]);
  });

  test('is found without os-release, too', () => {
    const { guest, partial, gaps } = readFiles({
      'etc/redhat-release': 'CentOS release 6.10 (Final)\n',
      'etc/fstab': '',
      'usr/lib/sysimage/rpm/Packages.db': readFileSync(
        new URL('package-managers/rpm/fixtures/Packages.db', import.meta.url),
      ),
    });
    expect(partial.packages).toHaveLength(4);
    expect(guest).toBeUndefined();
    expect(gaps).toMatchObject([
      { detail: 'the system calls itself centos, but no package of rpm is of its release' },
    ]);
  });

  test('whose packages contradict its name is none, and its packages are listed', () => {
    const { guest, partial, gaps } = readFiles({ ...alpine, 'lib/apk/db/installed': apk('musl') });
    expect(guest).toBeUndefined();
    expect(partial.packages).toHaveLength(1);
    expect(gaps).toMatchObject([{ where: 'operating system', reason: 'corrupt' }]);
  });

  test('keeps its own packages when another package manager is there, too', () => {
    const { guest, gaps } = readFiles({ ...alpine, 'var/lib/dpkg/status': status('installed') });
    expect(guest?.packages.map(({ manager }) => manager)).toEqual(['apk']);
    expect(gaps).toMatchObject([
      {
        where: 'package database',
        reason: 'unsupported',
        detail: '1 packages of dpkg, besides those of apk',
      },
    ]);
  });

  test('with unreadable packages has none, even if another package manager has some', () => {
    const { guest, partial, gaps } = readFiles({
      ...alpine,
      'lib/apk/db/installed': '',
      'var/lib/dpkg/status': status('installed'),
    });
    expect(guest).toBeUndefined();
    expect(partial.packages).toEqual([]);
    expect(gaps).toMatchObject([{ where: 'package database', reason: 'corrupt' }]);
  });
});

describe('the root', () => {
  const other = (fstab: string) => ({
    filesystem: memoryFilesystem({ ...system, 'etc/fstab': fstab }, { uuid: bootUuid }),
  });

  test('of two systems is the only one that names itself', () => {
    const { guest, gaps } = read(root(`UUID=${rootUuid} / ext4\n`), other('/dev/vdz1 / ext4\n'));
    expect(guest?.mounts).toEqual([{ path: '/', volume: 'partition 1' }]);
    expect(gaps).toMatchObject([{ where: 'partition 2', reason: 'unsupported' }]);
  });

  test('is nobody when two name themselves', () => {
    const reading = read(root(`UUID=${rootUuid} / ext4\n`), other(`UUID=${bootUuid} / ext4\n`));
    expect(reading.guest).toBeUndefined();
    expect(reading.gaps.map(({ where }) => where)).toEqual(['partition 1', 'partition 2', 'image']);
  });

  test('is absent from an empty image, which is a gap', () => {
    expect(read({}).gaps).toEqual([
      { where: 'image', reason: 'missing', detail: 'no root of an operating system was found' },
    ]);
  });
});

describe('state', () => {
  test('unclean filesystems and swap in which a machine sleeps', () => {
    const { clean, hibernatedIn } = read(root('', {}, { clean: false }), {
      content: { format: 'swap', uuid: '', label: '', properties: { hibernated: true } },
    });
    expect(clean).toBe(false);
    expect(hibernatedIn).toBe('partition 2');
  });

  test('a swap file in which a machine sleeps', () => {
    const swap = Buffer.alloc(8192);
    swap.write('S1SUSPEND', 4086);
    expect(read(root('/swapfile none swap sw 0 0\n', { swapfile: swap })).hibernatedIn).toBe('/swapfile');
    expect(
      read(root('/swapfile none swap sw 0 0\n', { swapfile: Buffer.alloc(8192) })).hibernatedIn,
    ).toBeUndefined();
  });
});

test('a disk that breaks at any read leaves gaps and throws nothing', () => {
  const whole = root('', {
    ...system,
    'etc/machine-id': '',
    'boot/grub/grub.cfg': '',
    'etc/ssh/ssh_host_x_key.pub': '',
  });
  let reads = 0;
  read({ filesystem: breaking(whole.filesystem, () => (reads += 1) < 0) });
  for (let broken = 1; broken <= reads; broken += 1) {
    let now = 0;
    const reading = read({ filesystem: breaking(whole.filesystem, () => (now += 1) === broken) });
    expect(reading.gaps.length).toBeGreaterThan(0);
  }
  expect(reads).toBeGreaterThan(50);
});

/** A filesystem of which the reads for which `breaks` is true find damage. */
function breaking(filesystem: Filesystem, breaks: () => boolean): Filesystem {
  const guard = <R>(read: () => R): R => {
    if (breaks()) throw new ColdpatchError('filesystem_corrupt', 'The fixture broke here.');
    return read();
  };
  return {
    ...filesystem,
    status: (inode) => guard(() => filesystem.status(inode)),
    readDirectory: (inode) => guard(() => filesystem.readDirectory(inode)),
    readLink: (inode) => guard(() => filesystem.readLink(inode)),
    openFile: (inode) => guard(() => filesystem.openFile(inode)),
  };
}

describe('an inspection', () => {
  test('is plain JSON under its fixed names', () => {
    const image = memoryImage([
      root('', { 'var/lib/dpkg/status': status('half-configured') }),
      { filesystem: boot },
    ]);
    const inspection = JSON.parse(JSON.stringify(inspectImage(image))) as Inspection;
    expect(inspection).toMatchObject({
      image: {
        path: 'image.raw',
        format: 'raw',
        virtualSize: 67108864,
        fileSize: 4096,
        chain: [{ path: 'image.raw' }],
      },
      layout: {
        partitionTable: 'gpt',
        volumes: [{ name: 'partition 1', uuid: rootUuid, mountPoint: '/' }, { mountPoint: null }],
      },
      operatingSystem: { id: 'debian', versionId: '12', versionCodename: 'bookworm', architecture: 'amd64' },
      packages: [{ name: 'dpkg', version: '1.21.22', architecture: 'amd64', manager: 'dpkg' }],
      identity: { hostName: 'alpha', hostKeys: [] },
      state: { clean: true, hibernated: false, brokenPackages: [{ name: 'dpkg', state: 'half-configured' }] },
      gaps: [],
    });
    expect(Object.keys(inspection.packages[0] ?? {})).toEqual(['name', 'version', 'architecture', 'manager']);
  });

  test('of an unknown system says what it can', () => {
    const image = memoryImage([root('', { 'etc/os-release': 'ID=plan9\n', 'var/lib/dpkg/status': '' })]);
    const inspection = inspectImage(image);
    expect(inspection.operatingSystem).toBeNull();
    expect(inspection.identity?.hostName).toBe('alpha');
    expect(inspection.gaps.map(({ where }) => where)).toEqual(['operating system', 'package database']);
  });
});
