/**
 * Linux RAID's superblocks: include/uapi/linux/raid/md_p.h of the kernel, and md(4).
 * Version 1 is little-endian; version 0.90 has the byte order of its machine.
 */

export const sectorBytes = 512;
export const magic = 0xa92b4efc;

export const versionOne = {
  bytes: 256,
  magic: 0,
  major: 4,
  features: 8,
  arrayUuid: 16,
  name: 32,
  nameBytes: 32,
  level: 72,
  sizeSectors: 80,
  chunkSectors: 88,
  devices: 92,
  dataOffset: 128,
  dataSectors: 136,
  superOffset: 144,
  recoveryOffset: 152,
  deviceNumber: 160,
  events: 200,
  resyncOffset: 208,
  checksum: 216,
  mostDevices: 220,
  roles: 256,
} as const;
/** A superblock with its roles fits in one page. */
export const mostRoles = 1920;
export const firstSpecialRole = 0xff00;

export const feature = {
  recovery: 1 << 1,
  reshape: 1 << 2,
  badBlocks: 1 << 3,
  replacement: 1 << 4,
} as const;
/** Nothing above this bit had a meaning when this was written. */
export const knownFeatures = (1 << 13) - 1;

export const versionZero = {
  bytes: 4096,
  /** Where it stands: the last full 64 KiB. */
  reserved: 65_536n,
  magic: 0,
  major: 4,
  minor: 8,
  uuidFirst: 20,
  level: 28,
  sizeKilobytes: 32,
  devices: 40,
  minorNumber: 44,
  uuidRest: 52,
  state: 132,
  checksum: 152,
  /** The two halves of the number change places with the byte order. */
  events: 156,
  resyncOffset: 172,
  chunkBytes: 260,
  thisDevice: 3968,
} as const;
export const thisDevice = { role: 12, state: 16 } as const;
export const faultyState = 1 << 0;
export const syncState = 1 << 2;

export const level = { linear: -1, striped: 0, mirrored: 1 } as const;
export const mostMembers = 1024;
