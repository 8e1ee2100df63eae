/** EFI_GLOBAL_VARIABLE, as it is stored. UEFI 2.10, 3.3. */
const globalVariable = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex');
const platformKeyName = Buffer.from('PK\0', 'utf16le');
/** Before the GUID in AUTHENTICATED_VARIABLE_HEADER of EDK II, MdeModulePkg/Include/Guid/VariableFormat.h. */
const guidOffset = 44;
const stateOffset = 2;
const dataSizeOffset = 40;
const startMark = 0x55aa;
const addedState = 0x3f;

/** Whether Secure Boot is on in a store of UEFI variables of OVMF: a platform key is enrolled. */
export function hasPlatformKey(variables: Buffer): boolean {
  const wanted = Buffer.concat([globalVariable, platformKeyName]);
  for (let at = variables.indexOf(wanted); at !== -1; at = variables.indexOf(wanted, at + 1)) {
    const header = at - guidOffset;
    if (header < 0 || variables.readUInt16LE(header) !== startMark) continue;
    if (variables[header + stateOffset] !== addedState) continue;
    if (variables.readUInt32LE(header + dataSizeOffset) > 0) return true;
  }
  return false;
}
