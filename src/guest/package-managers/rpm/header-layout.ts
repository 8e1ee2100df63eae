/** The header of an rpm package (rpm's manual, "RPM package format"); all numbers are big-endian. */

/** Entries and bytes of data; in a database the magic number that packages begin with is left out. */
export const intro = { size: 8, entryCount: 0, dataLength: 4 } as const;

export const entry = { size: 16, tag: 0, type: 4, offset: 8, count: 12 } as const;

/** The magic number is part of what digests are made of. */
export const magic = Buffer.from('8eade80100000000', 'hex');

export const types = { int32: 4, string: 6, binary: 7, stringArray: 8, translated: 9 } as const;

export const tags = {
  immutableRegion: 63,
  sha1: 269,
  sha256: 273,
  name: 1000,
  version: 1001,
  release: 1002,
  epoch: 1003,
  installTime: 1008,
  architecture: 1022,
  sourcePackage: 1044,
  provides: 1047,
} as const;
