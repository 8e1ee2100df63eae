import type { BoundKey } from '../../guest/measured-boot/types.ts';
import { type KeyForecast, type Likelihood, type RegisterForecast, worst } from './types.ts';

/** Whether what is bound to the TPM still opens a volume after registers moved. */
export function judgeKey({ volume, binding }: BoundKey, moved: readonly RegisterForecast[]): KeyForecast {
  const { kind, registers, signedRegisters, bank } = binding;
  return {
    volume,
    kind,
    bank: bank ?? null,
    registers,
    mask: `0x${registers.reduce((mask, register) => (mask | (1 << register)) >>> 0, 0).toString(16)}`,
    signedRegisters,
    ...verdict(binding, moved),
  };
}

function verdict(
  { registers, signedRegisters, isLockedInTpm }: BoundKey['binding'],
  moved: readonly RegisterForecast[],
): { readonly failsToOpen: Likelihood; readonly because: string } {
  const among = (wanted: readonly number[]) =>
    moved.filter(({ register, moves }) => moves !== 'no' && wanted.includes(register));
  const fixed = among(registers);
  if (fixed.length > 0) {
    const failsToOpen = worst(fixed.map(({ moves }) => moves));
    const one = failsToOpen === 'yes' ? 'gets another value' : 'may get another value';
    const several = failsToOpen === 'yes' ? 'get other values' : 'may get other values';
    return { failsToOpen, because: `${namesOf(fixed)} ${fixed.length > 1 ? several : one}` };
  }
  const signed = among(signedRegisters);
  if (signed.length > 0) {
    const because = `opens only when the new boot files bring a signature for the new values of ${namesOf(signed)}`;
    return { failsToOpen: 'possibly', because };
  }
  if (isLockedInTpm && moved.some(({ moves }) => moves !== 'no')) {
    const because =
      'opens only when systemd-pcrlock made a policy for the new values before the machine starts';
    return { failsToOpen: 'possibly', because };
  }
  const isBound = registers.length > 0 || signedRegisters.length > 0 || isLockedInTpm;
  return {
    failsToOpen: 'no',
    because: isBound ? 'the registers that it is bound to stay' : 'it is not bound to what is measured',
  };
}

function namesOf(registers: readonly RegisterForecast[]): string {
  return `${registers.length > 1 ? 'PCRs' : 'PCR'} ${registers.map(({ register }) => register).join(', ')}`;
}
