import { expect, test } from 'vitest';
import type { Filesystem } from '../disk/filesystems/types.ts';
import type { ManagedPlace } from '../disk/types.ts';
import { memoryFilesystem } from '../guest/fixtures/memory-filesystem.ts';
import { applianceEngine } from './engines/appliance/index.ts';
import { bootEngine } from './engines/boot/index.ts';
import { namespaceEngine } from './engines/namespace/index.ts';
import { assertUpgradable } from './assert-upgradable.ts';
import type { ExaminedImage } from './examine-image.ts';

/** What the checks look at; the rest of an examined image has no part in them. */
function examined(
  filesystems: Readonly<Record<string, Filesystem['id']>>,
  managed: Readonly<Record<string, ManagedPlace>> = {},
): ExaminedImage {
  const mounts = Object.entries(filesystems).map(([path, id]) => ({
    path,
    filesystem: { ...memoryFilesystem({}), id },
    volume: { name: `volume of ${path}`, managed: managed[path] },
  }));
  const fstab = mounts.map(({ path }) => ({ path, options: [] }));
  return {
    reading: { clean: true, mounts, fstab },
    database: { brokenPackages: [] },
    inspection: { gaps: [] },
  } as unknown as ExaminedImage;
}

test.each([{ '/': 'ext4' }, { '/': 'ext4', '/boot': 'ext4', '/boot/efi': 'fat', '/home': 'xfs' }] as const)(
  '%j can be upgraded',
  (filesystems) => {
    expect(() => assertUpgradable(examined(filesystems), namespaceEngine, false)).not.toThrow();
  },
);

test.each([
  ['/boot/efi', false, namespaceEngine],
  ['/boot/efi', false, applianceEngine],
  ['/', true, namespaceEngine],
] as const)('a mark of a crash on %s is a reason to refuse: %s', (uncleanPath, isRefused, engine) => {
  const image = examined({ '/': 'ext4', '/boot/efi': 'fat' });
  const mounts = image.reading.mounts.map((mount) => ({
    ...mount,
    filesystem: { ...mount.filesystem, clean: mount.path !== uncleanPath },
  }));
  const check = () =>
    assertUpgradable({ ...image, reading: { ...image.reading, mounts, clean: false } }, engine, false);
  if (isRefused) expect(check).toThrow(expect.objectContaining({ code: 'guest_unclean' }));
  else expect(check).not.toThrow();
});

test.each([{ '/': 'xfs' }, { '/': 'ext4', '/usr': 'btrfs' }] as const)(
  '%j is refused: packages own files on what is only read',
  (filesystems) => {
    expect(() => assertUpgradable(examined(filesystems), namespaceEngine, false)).toThrow(
      expect.objectContaining({ code: 'filesystem_unsupported' }),
    );
  },
);

test.each([
  [{ '/': 'ext4', '/srv': 'xfs', '/boot/efi': 'fat' }, [], true],
  [{ '/': 'ext4', '/srv': 'ntfs' }, [], false],
  [{ '/': 'ext4' }, [{ path: '/srv', type: 'ext4', options: ['nofail'] }], false],
  [{ '/': 'ext4' }, [{ path: '/srv', type: 'ext4', options: ['noauto'] }], true],
  [{ '/': 'ext4' }, [{ path: '/tmp', type: 'tmpfs', options: [] }], true],
  [{ '/': 'ext4' }, [{ path: '/dev/hugepages', type: 'hugetlbfs', options: [] }], true],
  [{ '/': 'ext4' }, [{ path: '/srv', type: 'none', options: ['rbind'] }], true],
  [{ '/': 'ext4' }, [{ path: 'none', type: 'swap', options: ['sw'] }], true],
] as const)('a copy with %j and %j in its fstab may be started: %s', (filesystems, entries, isAllowed) => {
  const image = examined(filesystems);
  const fstab = [...image.reading.fstab, ...entries.map((entry) => ({ spec: 'LABEL=x', ...entry }))];
  const check = () => assertUpgradable({ ...image, reading: { ...image.reading, fstab } }, bootEngine, false);
  if (isAllowed) expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ code: 'start_impossible' }));
});

test('the engine appliance mounts XFS and btrfs', () => {
  const image = examined({ '/': 'xfs', '/usr': 'btrfs' });
  expect(() => assertUpgradable(image, applianceEngine, false)).not.toThrow();
  const squashed = examined({ '/': 'ext4', '/usr': 'squashfs' });
  expect(() => assertUpgradable(squashed, applianceEngine, false)).toThrow(
    expect.objectContaining({ code: 'filesystem_unsupported' }),
  );
});

const onVolumeManager: ManagedPlace = {
  manager: 'lvm2',
  uuid: '',
  devices: ['/dev/vg/root'],
  members: ['partition 2'],
};

test.each(['/', '/usr', '/var'])(
  'packages that own files on a volume manager below %s are refused',
  (path) => {
    const image = examined({ '/': 'ext4', [path]: 'ext4' }, { [path]: onVolumeManager });
    expect(() => assertUpgradable(image, namespaceEngine, false)).toThrow(
      expect.objectContaining({ code: 'volume_unsupported', message: expect.stringContaining('lvm2') }),
    );
  },
);

test('a volume manager below /home is none of its business', () => {
  const image = examined({ '/': 'ext4', '/home': 'ext4' }, { '/home': onVolumeManager });
  expect(() => assertUpgradable(image, namespaceEngine, false)).not.toThrow();
});
