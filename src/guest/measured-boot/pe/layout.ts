/** PE/COFF (Microsoft PE Format), as far as firmware and shim look at a program before they start it. */
export const dosMagic = 'MZ';
/** Where the DOS header has the offset of the next. */
export const peOffset = 0x3c;
export const peMagic = 'PE\0\0';

/** From the PE magic on. */
export const coff = {
  machine: 4,
  sectionCount: 6,
  symbolTable: 12,
  symbolCount: 16,
  optionalBytes: 20,
  optional: 24,
} as const;

/** From the optional header on. */
export const optional = {
  magic: 0,
  headersBytes: 60,
  checksum: 64,
  /** By the magic: how many data directories follow, and where the first is. */
  directoryCount: { 0x10b: 92, 0x20b: 108 },
  directories: { 0x10b: 96, 0x20b: 112 },
} as const;

export const certificateDirectory = 4;
export const directoryBytes = 8;

export const section = {
  name: 0,
  nameBytes: 8,
  virtualSize: 8,
  fileSize: 16,
  fileOffset: 20,
  bytes: 40,
} as const;
export const symbolBytes = 18;

export const largestHeaders = 64 * 1024;
export const mostSections = 96;
export const longestName = 64;
/** A unified kernel image with a whole system in it is larger than any other. */
export const largestProgram = 1024n * 1024n * 1024n;
