import type { Gap } from '../../lib/gap.ts';

/** `possibly` also stands for what could not be read. */
export type Likelihood = 'yes' | 'possibly' | 'no';

/** A register of the TPM (PCR), and whether its value at the next start differs from that before. */
export interface RegisterForecast {
  readonly register: number;
  readonly moves: Likelihood;
  readonly because: readonly string[];
}

/** What opens an encrypted volume without a person, and whether it still will. */
export interface KeyForecast {
  readonly volume: string;
  /** `systemd-tpm2`, `clevis tpm2`, `clevis tang`, ... */
  readonly kind: string;
  /** Of the TPM; null when none is named. */
  readonly bank: string | null;
  /** Registers that must have the values of the day it was bound, and the same as a mask of bits: `0x880`. */
  readonly registers: readonly number[];
  readonly mask: string;
  /** Registers that may have any values which a named key signed. */
  readonly signedRegisters: readonly number[];
  readonly failsToOpen: Likelihood;
  readonly because: string;
}

/** What a correct upgrade changes for a machine that measures how it starts. */
export interface Forecast {
  /** PCRs 4, 7, 8, 9, 11, and others that a key is bound to. */
  readonly registers: readonly RegisterForecast[];
  readonly keys: readonly KeyForecast[];
  /** Whether the machine will ask a person for a recovery key when it is started again. */
  readonly asksForRecoveryKey: Likelihood;
  readonly gaps: readonly Gap[];
}

export function worst(likelihoods: readonly Likelihood[]): Likelihood {
  return likelihoods.includes('yes') ? 'yes' : likelihoods.includes('possibly') ? 'possibly' : 'no';
}
