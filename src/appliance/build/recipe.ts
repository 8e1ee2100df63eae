/** What the appliance is made of. */
export const applianceRecipe = {
  /** Raise it when the same packages shall give another appliance. */
  revision: 3,
  /** Beside the packages that these depend on. */
  packages: [
    'btrfs-progs',
    'busybox-static',
    'cryptsetup-bin',
    'dosfstools',
    'dpkg',
    'e2fsprogs',
    'lvm2',
    'xfsprogs',
  ],
  /** Its dependency is the kernel of today. */
  kernelPackage: 'linux-image-cloud-amd64',
  /** Loaded at the start, after what they depend on, unless the kernel holds them itself. */
  startModules: ['virtio_pci', 'virtio_blk', 'virtio_console', 'ext4', 'crc32c_generic'],
  /** Loaded by a job that asks for the name; on the disk of the tools. */
  moduleSets: {
    btrfs: ['btrfs'],
    lvm2: ['dm_mod'],
    vfat: ['vfat', 'nls_cp437', 'nls_ascii', 'nls_utf8'],
    xfs: ['xfs'],
  },
  /** In the initramfs: it needs no library. */
  startProgram: 'busybox',
  /** On the disk of the tools. */
  programs: ['btrfs', 'cryptsetup', 'dpkg', 'e2fsck', 'fsck.fat', 'lvm', 'xfs_repair'],
  /** 30 MB that none of these programs needs. */
  leftOut: /^libicu/,
} as const;
