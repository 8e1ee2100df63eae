/**
 * Where EDK2 firmware keeps its variables: a firmware volume whose one content is a store of authenticated variables.
 * UEFI Platform Initialization specification, volume 3, section 3.2.1 (firmware volume header);
 * MdeModulePkg/Include/Guid/VariableFormat.h of EDK2 (variable store). All fields are little-endian.
 */
export const volumeSignature = '_FVH';

export const volume = {
  fileSystemGuid: 16,
  length: 32,
  signature: 40,
  headerLength: 48,
  /** Without the map of blocks. */
  bytes: 56,
} as const;

/** gEfiSystemNvDataFvGuid */
export const systemNvDataGuid = 'fff12b8d-7696-4c8b-a985-2747075b4f50';
/** gEfiAuthenticatedVariableGuid */
export const authenticatedStoreGuid = 'aaf32c78-947b-439a-a180-2e144ec37792';

export const store = {
  guid: 0,
  size: 16,
  format: 20,
  state: 21,
  bytes: 28,
} as const;

export const storeFormatted = 0x5a;
export const storeHealthy = 0xfe;

export const variable = {
  startId: 0,
  state: 2,
  attributes: 4,
  nameBytes: 36,
  dataBytes: 40,
  vendor: 44,
  name: 60,
} as const;

export const variableStart = 0x55aa;
/** Bits go from one to zero as a variable is added, replaced and deleted. */
export const variableAdded = 0x3f;
export const variableBeingReplaced = 0x3e;

/** Of a store; that of OVMF with 4 MiB is 256 KiB. */
export const largestStore = 4 * 1024 * 1024;
export const mostVariables = 4096;
