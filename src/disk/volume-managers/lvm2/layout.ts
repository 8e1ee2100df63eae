/** LVM2's physical volumes, as lib/format_text/layout.h and lib/label/label.h of lvm2 have them. Little-endian. */

export const sectorBytes = 512;
/** The label stands in one of the first four sectors. */
export const labelSectors = [0, 1, 2, 3] as const;
export const labelMagic = 'LABELONE';
export const labelType = 'LVM2 001';
export const label = { sector: 8, checksum: 16, checksumFrom: 20, headerOffset: 20, type: 24 } as const;

export const physicalVolume = { uuid: 0, uuidBytes: 32, deviceSize: 32, areas: 40 } as const;
export const area = { bytes: 16, offset: 0, size: 8 } as const;

export const metadataHeaderBytes = 512;
export const metadataMagic = '\x20\x4c\x56\x4d\x32\x20\x78\x5b\x35\x41\x25\x72\x30\x4e\x2a\x3e';
export const metadataVersion = 1;
export const metadataHeader = {
  checksum: 0,
  checksumFrom: 4,
  magic: 4,
  version: 20,
  start: 24,
  size: 32,
  /** The place of the committed text: offset, size, checksum, flags. */
  text: { offset: 40, size: 48, checksum: 56, flags: 60 },
} as const;
export const ignoredFlag = 1;

/** The superblock at the start of a dm-raid metadata volume: drivers/md/dm-raid.c. */
export const raidMagic = 0x64526d44;
export const raidSuperblock = {
  bytes: 512,
  magic: 0,
  position: 12,
  events: 16,
  failedDevices: 24,
  recoveryOffset: 32,
} as const;
export const recovered = 0xffff_ffff_ffff_ffffn;

/** lvm2 itself makes areas of 1 MiB; a group of ten thousand volumes needs a few. */
export const mostTextBytes = 16 * 1024 * 1024;
export const mostTextValues = 500_000;
export const deepestText = 16;
/** Volumes that lie on volumes: a thin volume on a pool on a mirror has four levels. */
export const deepestVolume = 8;
/** No device is larger than 2^63 bytes. */
export const mostBytes = 1n << 63n;
