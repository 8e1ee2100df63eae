/** What the appliance is made of. */
export const applianceRecipe = {
  /** Raise it when the same packages shall give another appliance. */
  revision: 1,
  /** Beside the packages that these depend on. */
  packages: ['busybox-static', 'dpkg', 'e2fsprogs'],
  /** Its dependency is the kernel of today. */
  kernelPackage: 'linux-image-cloud-amd64',
  /** Those that the kernel does not hold itself are loaded at the start, after what they depend on. */
  modules: ['virtio_pci', 'virtio_blk', 'virtio_console', 'ext4', 'crc32c_generic'],
  programs: ['busybox', 'dpkg', 'e2fsck'],
} as const;
