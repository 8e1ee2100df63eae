/**
 * LUKS: the "LUKS1 On-Disk Format Specification" 1.2.3 and the "LUKS2 On-Disk Format Specification" 1.1.3.
 * Numbers are big-endian.
 */

export const magic = 'LUKS\xba\xbe';
/** Of the second header of version 2. */
export const secondMagic = 'SKUL\xba\xbe';

export const versionOne = {
  bytes: 592,
  cipher: 8,
  mode: 40,
  hash: 72,
  textBytes: 32,
  payloadSector: 104,
  keyBytes: 108,
  uuid: 168,
  uuidBytes: 40,
  slots: 208,
  slotBytes: 48,
  slotCount: 8,
} as const;
export const slot = { active: 0, materialSector: 40, stripes: 44 } as const;
export const activeSlot = 0x00ac71f3;

export const versionTwo = {
  bytes: 4096,
  headerSize: 8,
  sequence: 16,
  label: 24,
  labelBytes: 48,
  checksumName: 72,
  checksumNameBytes: 32,
  uuid: 168,
  uuidBytes: 40,
  headerOffset: 256,
  checksum: 448,
  checksumBytes: 64,
} as const;
export const headerSizes: readonly number[] = [
  0x4000, 0x8000, 0x1_0000, 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x20_0000, 0x40_0000,
];
/** Bytes of the digests that cryptsetup allows for a header. */
export const checksumBytes: Readonly<Record<string, number>> = { sha1: 20, sha256: 32, sha512: 64 };

/** luksmeta's area behind the key material of version 1: libluksmeta.c. */
export const metaMagic = 'LUKSMETA';
export const metaAlignment = 4096;
export const meta = {
  bytes: 8 + 4 + 4 + 8 * 32,
  version: 8,
  checksum: 12,
  slots: 16,
  slotBytes: 32,
  slotUuid: 0,
  slotOffset: 16,
  slotLength: 20,
  slotChecksum: 24,
} as const;
export const clevisUuid = 'cb6e8904-81ff-40da-a84a-07ab9ab5715e';
export const mostTokenBytes = 1024 * 1024;
