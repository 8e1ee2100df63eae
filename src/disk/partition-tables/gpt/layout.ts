/** UEFI Specification 2.10, chapter 5 "GUID Partition Table (GPT) Disk Layout". All fields are little-endian. */

export const sectorSizes = [512, 4096] as const;
export const signature = 'EFI PART';
export const revision1 = 0x00010000;

/** Section 5.3.2, table 5.5. */
export const header = {
  revision: 8,
  headerSize: 12,
  checksum: 16,
  ownSector: 24,
  diskGuid: 56,
  entriesSector: 72,
  entries: 80,
  entrySize: 84,
  entriesChecksum: 88,
  leastBytes: 92,
} as const;

/** Section 5.3.3, table 5.6. */
export const entry = {
  type: 0,
  guid: 16,
  first: 32,
  last: 40,
  attributes: 48,
  name: 56,
  nameBytes: 72,
  leastBytes: 128,
} as const;

export const legacyBootable = 1n << 2n;

/** Far beyond the usual 128 entries of 128 bytes. */
export const largestEntrySize = 4096;
export const mostEntriesBytes = 1024 * 1024;
export const mostPartitions = 256;
