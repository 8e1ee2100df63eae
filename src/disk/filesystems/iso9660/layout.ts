/**
 * ISO 9660 (ECMA-119), Joliet, the System Use Sharing Protocol 1.12 and the Rock Ridge Interchange Protocol 1.12,
 * El Torito 1.0. Byte offsets inside each structure; numbers that the format has in both orders are read little-endian.
 */

export const sectorBytes = 2048;

/** The first descriptor stands in sector 16. */
export const firstDescriptor = 16;
export const mostDescriptors = 64;
export const identifier = 'CD001';

export const descriptorType = { boot: 0, primary: 1, supplementary: 2, end: 255 } as const;

export const descriptor = {
  type: 0,
  identifier: 1,
  version: 6,
  systemId: 8,
  volumeId: 40,
  volumeIdBytes: 32,
  blocks: 80,
  escapes: 88,
  blockSize: 128,
  rootRecord: 156,
  applicationId: 574,
  applicationIdBytes: 128,
  createdAt: 813,
  modifiedAt: 830,
} as const;

/** UCS-2 levels 1 to 3: such a supplementary descriptor is Joliet's. */
export const jolietEscapes: readonly string[] = ['%/@', '%/C', '%/E'];

/** Identifiers of UDF's recognition sequence, which follows the descriptors. */
export const udfIdentifiers: readonly string[] = ['NSR02', 'NSR03'];
export const recognitionIdentifiers: readonly string[] = [
  identifier,
  'BEA01',
  'TEA01',
  'BOOT2',
  ...udfIdentifiers,
];

export const bootRecord = { system: 7, systemName: 'EL TORITO SPECIFICATION', catalog: 71 } as const;

export const bootCatalog = {
  entryBytes: 32,
  validation: 1,
  platform: 1,
  key: 0x1e,
  keyValue: 0xaa55,
  section: 0x90,
  lastSection: 0x91,
  sectionEntries: 2,
} as const;

export const platforms: Readonly<Record<number, string>> = {
  0: 'bios',
  1: 'powerpc',
  2: 'mac',
  0xef: 'uefi',
};

export const record = {
  length: 0,
  attributeBlocks: 1,
  block: 2,
  size: 10,
  modifiedAt: 18,
  flags: 25,
  unitSize: 26,
  nameLength: 32,
  name: 33,
} as const;

export const recordFlag = { directory: 0x02, associated: 0x04, more: 0x80 } as const;

/** Entries of the System Use Sharing Protocol: a signature of two letters, a length, a version, then data. */
export const systemUse = { length: 2, data: 4 } as const;

export const continuation = { block: 4, offset: 12, size: 20, bytes: 28 } as const;
export const presence = { check: 4, checkValue: 0xefbe, skip: 6, bytes: 7 } as const;
export const extension = { idLength: 4, id: 8 } as const;
export const extensionIds: readonly string[] = ['RRIP_1991A', 'IEEE_P1282', 'IEEE_1282'];

export const posix = { mode: 4, links: 12, uid: 20, gid: 28, bytes: 36 } as const;
export const device = { high: 4, low: 12, bytes: 20 } as const;
export const childLink = { block: 4, bytes: 12 } as const;

/** Flags of names (NM) and of components of links (SL). */
export const nameFlag = { goesOn: 0x01, current: 0x02, parent: 0x04, root: 0x08 } as const;

export const timeStamps = {
  flags: 4,
  first: 5,
  created: 0x01,
  modified: 0x02,
  attributes: 0x08,
  long: 0x80,
} as const;
/** Bits of the stamps that stand before others, in their order. */
export const timeOrder: readonly number[] = [0x01, 0x02, 0x04, 0x08];
export const shortTimeBytes = 7;
export const longTimeBytes = 17;
