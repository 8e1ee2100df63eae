/** What opens a volume without a person: a clevis pin, a security chip, a token. */
export interface Binding {
  /** `clevis tpm2`, `systemd-tpm2`, ... */
  readonly kind: string;
  /** Of a TPM: the registers that must have the values of the day it was bound. */
  readonly registers: readonly number[];
  /** Of a TPM: the bank that these registers are taken of, `sha256`; undefined when none is named. */
  readonly bank?: string;
  /** Of a TPM: registers that may have any values for which a named key signed. */
  readonly signedRegisters: readonly number[];
  /** Of a TPM: the values that are accepted lie in the TPM itself, and the machine keeps them (systemd-pcrlock). */
  readonly isLockedInTpm: boolean;
  /** True when a PIN is asked for, too. */
  readonly needsPin: boolean;
  /** Where the key is asked for, of tang. */
  readonly url?: string;
}

/** One that depends on nothing but its kind. */
export function plainBinding(kind: string): Binding {
  return { kind, registers: [], signedRegisters: [], isLockedInTpm: false, needsPin: false };
}

/** In a few words, for a report. */
export function describeBinding(binding: Binding): string {
  const { kind, registers, bank, signedRegisters, isLockedInTpm, needsPin, url } = binding;
  const parts = [
    ...(registers.length > 0 ? [`${bank === undefined ? '' : `${bank} `}PCRs ${registers.join(', ')}`] : []),
    ...(signedRegisters.length > 0 ? [`signed values of PCRs ${signedRegisters.join(', ')}`] : []),
    ...(isLockedInTpm ? ['values kept by systemd-pcrlock'] : []),
    ...(needsPin ? ['with a PIN'] : []),
    ...(url === undefined ? [] : [url]),
  ];
  return parts.length === 0 ? kind : `${kind} (${parts.join('; ')})`;
}
