import { parseSignatureLists, type Signature } from '../../disk/uefi-variables/parse-signature-lists.ts';
import { readUefiVariables, type UefiVariable } from '../../disk/uefi-variables/read-uefi-variables.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { parseSbatLevel, type SbatLevel } from './sbat-level.ts';

/** What a machine's firmware, and shim after it, hold a program against. */
export interface SecureBootState {
  /** False when the firmware starts whatever it finds. */
  readonly isEnforced: boolean;
  /** False when shim was told to check nothing. */
  readonly shimValidates: boolean;
  /** db: whose programs may start. */
  readonly allowed: readonly Signature[];
  /** dbx: which may not, whoever signed them. */
  readonly forbidden: readonly Signature[];
  /** Undefined when no shim set one yet. */
  readonly level?: SbatLevel;
}

const vendors = {
  global: '8be4df61-93ca-11d2-aa0d-00e098032b8c',
  security: 'd719b2cb-3d3a-4596-a3bc-dad00e67656f',
  enable: 'f0a30bc7-af08-4556-99c4-001009c93a44',
  shim: '605dab50-e046-4300-abb6-3dd810dd8b23',
} as const;

/**
 * Reads it from a file of UEFI variables as EDK2 keeps them.
 * @throws ColdpatchError `uefi_variables_invalid`, and `boot_program_corrupt` for a level of SBAT that is none.
 */
export function readSecureBootState(file: ByteSource): SecureBootState {
  const variables = readUefiVariables(file);
  const data = (vendor: keyof typeof vendors, name: string) => dataOf(variables, vendors[vendor], name);
  const level = data('shim', 'SbatLevel');
  return {
    // The firmware enforces what an owner set up: with a platform key, and unless its menu switched it off.
    isEnforced: (data('global', 'PK')?.length ?? 0) > 0 && data('enable', 'SecureBootEnable')?.[0] !== 0,
    shimValidates: data('shim', 'MokSBState')?.[0] !== 1,
    allowed: parseSignatureLists(data('security', 'db') ?? new Uint8Array()),
    forbidden: parseSignatureLists(data('security', 'dbx') ?? new Uint8Array()),
    ...(level && { level: parseSbatLevel(level) }),
  };
}

function dataOf(variables: readonly UefiVariable[], vendor: string, name: string): Uint8Array | undefined {
  return variables.find((variable) => variable.vendor === vendor && variable.name === name)?.data;
}
