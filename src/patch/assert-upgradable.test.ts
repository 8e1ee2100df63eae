import { expect, test } from 'vitest';
import type { Filesystem } from '../disk/filesystems/types.ts';
import { memoryFilesystem } from '../guest/fixtures/memory-filesystem.ts';
import { assertUpgradable } from './assert-upgradable.ts';
import type { ExaminedImage } from './examine-image.ts';

/** What the checks look at; the rest of an examined image has no part in them. */
function examined(filesystems: Readonly<Record<string, Filesystem['id']>>): ExaminedImage {
  const mounts = Object.entries(filesystems).map(([path, id]) => ({
    path,
    filesystem: { ...memoryFilesystem({}), id },
  }));
  const fstab = mounts.map(({ path }) => ({ path, options: [] }));
  return {
    reading: { clean: true, mounts, fstab },
    mounts: mounts.filter(({ filesystem }) => filesystem.id === 'ext4'),
    database: { brokenPackages: [] },
    inspection: { gaps: [] },
  } as unknown as ExaminedImage;
}

test.each([{ '/': 'ext4' }, { '/': 'ext4', '/boot': 'ext4', '/boot/efi': 'fat', '/home': 'xfs' }] as const)(
  '%j can be upgraded',
  (filesystems) => {
    expect(() => assertUpgradable(examined(filesystems), false)).not.toThrow();
  },
);

test.each([{ '/': 'xfs' }, { '/': 'ext4', '/usr': 'btrfs' }] as const)(
  '%j is refused: packages own files on what is only read',
  (filesystems) => {
    expect(() => assertUpgradable(examined(filesystems), false)).toThrow(
      expect.objectContaining({ code: 'filesystem_unsupported' }),
    );
  },
);
