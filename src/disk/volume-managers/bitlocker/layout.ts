/**
 * BitLocker's volumes, as libbde's "BitLocker Drive Encryption (BDE) format specification" describes them.
 * Little-endian.
 */

export const signature = '-FVE-FS-';
export const signatureAt = 3n;
/** A volume for removable disks looks like FAT32 and has an identifier. */
export const portableSignature = 'MSWIN4.1';
export const identifier = '3bd66749292ed84a8399f6a339e3d001';
export const portableIdentifierAt = 424n;

export const bootSectorBytes = 512;
export const bootSector = {
  jump: 0,
  sectorBytes: 11,
  clusterSectors: 13,
  /** Of Windows Vista: a cluster. */
  vistaMetadata: 56,
  metadata: 176,
  portableMetadata: 440,
} as const;
export const vistaJump = '\xeb\x52\x90';
export const copies = 3;

export const blockHeader = { bytes: 64, size: 8, version: 10, volumeSize: 16 } as const;
export const header = { at: 64, bytes: 48, size: 0, headerSize: 8, volumeId: 16, method: 36 } as const;
export const validation = { bytes: 8, checksum: 4 } as const;
export const mostMetadataBytes = 1024 * 1024;
export const mostEntries = 256;

export const entry = { bytes: 8, size: 0, type: 2, valueType: 4, data: 8 } as const;
export const masterKeyType = 2;
export const descriptionType = 7;
export const masterKeyValue = 8;
export const textValue = 2;
export const protectionAt = 26;

export const methods: Readonly<Record<number, string>> = {
  0x8000: 'AES-CBC 128 with diffuser',
  0x8001: 'AES-CBC 256 with diffuser',
  0x8002: 'AES-CBC 128',
  0x8003: 'AES-CBC 256',
  0x8004: 'AES-XTS 128',
  0x8005: 'AES-XTS 256',
};

export const protections: Readonly<Record<number, string>> = {
  0x0000: 'clear key',
  0x0100: 'TPM',
  0x0200: 'startup key',
  0x0500: 'TPM and PIN',
  0x0800: 'recovery password',
  0x2000: 'password',
};
