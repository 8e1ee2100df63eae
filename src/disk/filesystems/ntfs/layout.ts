/** NTFS 3.1 on disk, as [MS-FSCC] and the public documentation of the structures describe it; little-endian. */

export const bootSignature = 'NTFS    ';
export const bootSectorBytes = 512;

export const boot = {
  signature: 0x03,
  bytesPerSector: 0x0b,
  /** Above 128 the negative exponent of a power of two. */
  sectorsPerCluster: 0x0d,
  totalSectors: 0x28,
  mftCluster: 0x30,
  mirrorCluster: 0x38,
  /** Clusters, or when negative the exponent of a power of two in bytes. */
  recordSize: 0x40,
  indexBlockSize: 0x44,
  serial: 0x48,
  endMark: 0x1fe,
} as const;

export const bootEndMark = 0xaa55;

/** Update sequences protect pieces of this many bytes, whatever the sector size is. */
export const protectedBytes = 512;

export const recordMagic = 'FILE';
export const indexMagic = 'INDX';
export const restartMagics: readonly string[] = ['RSTR', 'CHKD'];

export const protectedHeader = { magic: 0, updateOffset: 4, updateCount: 6, logSequence: 8 } as const;

export const record = {
  sequence: 0x10,
  attributes: 0x14,
  flags: 0x16,
  used: 0x18,
  base: 0x20,
  /** Since NTFS 3.1: there only when the update sequence starts behind it. */
  number: 0x2c,
  numberEnd: 0x30,
} as const;

export const recordFlag = { inUse: 1, directory: 2 } as const;

export const systemRecord = { mft: 0, logFile: 2, volume: 3, root: 5, bitmap: 6 } as const;

/** Records below this one are the filesystem's own. */
export const firstOrdinaryRecord = 16;

export const attributeType = {
  standardInformation: 0x10,
  attributeList: 0x20,
  fileName: 0x30,
  volumeName: 0x60,
  volumeInformation: 0x70,
  data: 0x80,
  indexRoot: 0x90,
  indexAllocation: 0xa0,
  bitmap: 0xb0,
  reparsePoint: 0xc0,
  end: 0xffffffff,
} as const;

export const attribute = {
  type: 0x00,
  length: 0x04,
  isMapped: 0x08,
  nameLength: 0x09,
  nameOffset: 0x0a,
  flags: 0x0c,
  instance: 0x0e,
  valueLength: 0x10,
  valueOffset: 0x14,
  firstCluster: 0x10,
  lastCluster: 0x18,
  runsOffset: 0x20,
  compressionUnit: 0x22,
  size: 0x30,
  initializedSize: 0x38,
} as const;

export const attributeFlag = { compressionMask: 0x00ff, lznt1: 0x0001, encrypted: 0x4000 } as const;

export const listEntry = {
  type: 0x00,
  length: 0x04,
  nameLength: 0x06,
  nameOffset: 0x07,
  firstCluster: 0x08,
  reference: 0x10,
  instance: 0x18,
  bytes: 0x1a,
} as const;

export const standardInformation = {
  modifiedAt: 0x08,
  changedAt: 0x10,
  accessedAt: 0x18,
  attributes: 0x20,
} as const;

export const fileAttribute = { offline: 0x1000, recallOnOpen: 0x40000, recallOnAccess: 0x400000 } as const;

export const fileName = { accessedAt: 0x20, nameLength: 0x40, namespace: 0x41, name: 0x42 } as const;

/** The namespace of the short names (8.3) that stand beside a long one. */
export const shortNamespace = 2;

/** The name of the index of a directory, and of its attributes. */
export const directoryIndex = '$I30';

export const indexRoot = { keyType: 0x00, blockSize: 0x08, header: 0x10 } as const;
export const indexBlock = { number: 0x10, header: 0x18 } as const;
export const indexHeader = { entries: 0x00, used: 0x04, flags: 0x0c, bytes: 0x10 } as const;
export const indexHeaderFlag = { hasBlocks: 1 } as const;
export const indexEntry = { reference: 0x00, length: 0x08, keyLength: 0x0a, flags: 0x0c, key: 0x10 } as const;
export const indexEntryFlag = { last: 2 } as const;

export const volumeInformation = { major: 0x08, minor: 0x09, flags: 0x0a } as const;
export const volumeFlag = { dirty: 1 } as const;

export const restartPage = { systemPageSize: 0x10, restartOffset: 0x18 } as const;
export const restartArea = { logSequence: 0x00, clientsInUse: 0x0c, flags: 0x0e, bytes: 0x10 } as const;
export const restartFlag = { clean: 2 } as const;
export const noClient = 0xffff;

export const reparse = {
  tag: 0x00,
  dataLength: 0x04,
  data: 0x08,
  nameOffset: 0x08,
  nameLength: 0x0a,
  junctionNames: 0x10,
  linkFlags: 0x10,
  linkNames: 0x14,
} as const;

/** Tags of reparse points, [MS-FSCC] 2.1.2.1. */
export const reparseTag = {
  junction: 0xa0000003,
  symbolicLink: 0xa000000c,
  linuxLink: 0xa000001d,
  linuxSocket: 0x80000023,
  linuxFifo: 0x80000024,
  linuxCharacterDevice: 0x80000025,
  linuxBlockDevice: 0x80000026,
  appLink: 0x8000001b,
  compactOs: 0x80000017,
  /** OneDrive and its like: the digit that the mask leaves out differs. */
  cloud: 0x9000001a,
  cloudMask: 0xffff0fff,
} as const;

export const relativeLinkFlag = 1;

/** The data of a reparse point of CompactOS, [MS-FSCC] 2.1.2: WOF_EXTERNAL_INFO, FILE_PROVIDER_EXTERNAL_INFO. */
export const compact = { provider: 0x0c, algorithm: 0x14 } as const;
export const fileProvider = 2;
export const compactStream = 'WofCompressedData';

/** Bytes of content in a chunk by the number of the algorithm: XPRESS; 1 is LZX. */
export const xpressChunks: ReadonlyMap<number, number> = new Map([
  [0, 4096],
  [2, 8192],
  [3, 16_384],
]);
