import type { BootProgramKind, MeasuredBoot } from '../../guest/measured-boot/types.ts';

/** How a machine starts, as far as it decides what is measured where. */
export interface StartChain {
  readonly firmware: 'uefi' | 'bios' | 'unknown';
  readonly hasShim: boolean;
  /** `silent` when GRUB is without its module for the TPM. */
  readonly grub: 'none' | 'silent' | 'measures';
  readonly hasSystemdBoot: boolean;
  readonly hasUki: boolean;
  /** False when nothing was read of the programs on the EFI system partition, or it holds boot loaders that differ. */
  readonly isSure: boolean;
}

export function startChainOf({ firmware, programs }: MeasuredBoot): StartChain {
  const has = (kind: BootProgramKind) => programs.some((program) => program.kind === kind);
  const isUefi = firmware.includes('uefi');
  const grubs = programs.filter(({ kind }) => kind === 'grub');
  const measuring = grubs.filter(({ measures }) => measures === true);
  const areAlike = measuring.length === 0 || measuring.length === grubs.length;
  const others = has('systemd-boot') || has('uki');
  const isRead = grubs.length > 0 || others;
  return {
    firmware: isUefi ? 'uefi' : firmware.includes('bios') ? 'bios' : 'unknown',
    hasShim: has('shim') || (isUefi && !isRead),
    grub: measuring.length > 0 || (isUefi && !isRead) ? 'measures' : grubs.length > 0 ? 'silent' : 'none',
    hasSystemdBoot: has('systemd-boot') || (isUefi && !isRead),
    hasUki: has('uki') || (isUefi && !isRead),
    isSure: isUefi && isRead && !(grubs.length > 0 && others) && areAlike,
  };
}
