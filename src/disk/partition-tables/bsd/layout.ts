/** The disklabel of the BSDs: sys/disklabel.h of 4.4BSD, FreeBSD, NetBSD and OpenBSD. In the byte order of the machine. */

/** In the second sector, or behind the boot code of the first. */
export const places: readonly bigint[] = [512n, 64n];
export const magic = 0x82564557;
export const bytes = 404;

export const label = {
  magic: 0,
  packName: 24,
  packNameBytes: 16,
  sectorBytes: 40,
  secondMagic: 132,
  checksum: 136,
  partitions: 138,
  entries: 148,
} as const;
export const entry = { bytes: 16, sectors: 0, start: 4, type: 12 } as const;
export const mostPartitions = 16;

/** The third partition is the whole disk, or all that the system has of it. */
export const wholeDisk = 2;
export const unusedType = '00';
/** Types of MBR partitions that have a label inside: FreeBSD, OpenBSD, NetBSD. */
export const sliceTypes: ReadonlySet<string> = new Set(['a5', 'a6', 'a9']);
