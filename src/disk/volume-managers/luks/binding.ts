/** What opens a volume without a person: a clevis pin, a security chip, a token. */
export interface Binding {
  /** `clevis tpm2`, `systemd-tpm2`, ... */
  readonly kind: string;
  /** Of a TPM: the registers that must have the values of the day it was bound. */
  readonly registers: readonly number[];
  /** True when a PIN is asked for, too. */
  readonly needsPin: boolean;
  /** Where the key is asked for, of tang. */
  readonly url?: string;
}

/** In a few words, for a report. */
export function describeBinding({ kind, registers, needsPin, url }: Binding): string {
  const parts = [
    ...(registers.length > 0 ? [`PCRs ${registers.join(', ')}`] : []),
    ...(needsPin ? ['with a PIN'] : []),
    ...(url === undefined ? [] : [url]),
  ];
  return parts.length === 0 ? kind : `${kind} (${parts.join('; ')})`;
}
