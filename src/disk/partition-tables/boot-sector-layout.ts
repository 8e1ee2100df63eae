/** The partition table in a disk's first sector. No standard names it; these are the offsets that every system uses. Little-endian. */

export const sectorBytes = 512;
export const signatureOffset = 510;
export const signature = 0xaa55;
export const diskIdOffset = 440;
export const tableOffset = 446;
export const entries = 4;

export const entry = { bytes: 16, status: 0, type: 4, start: 8, sectors: 12 } as const;

export const active = 0x80;
export const emptyType = 0;
export const protectiveType = 0xee;
/** Types whose partition holds a chain of further tables. */
export const extendedTypes: readonly number[] = [0x05, 0x0f, 0x85];

export const firstLogicalNumber = 5;
/** Linux gives a disk 256 minor numbers at most; no real disk has half as many logical partitions. */
export const mostLogicalTables = 128;
