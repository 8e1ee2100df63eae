import type { BootChange } from './boot-changes.ts';
import type { StartChain } from './start-chain.ts';
import type { Likelihood } from './types.ts';

/** A register that moves for one reason. */
export interface Move {
  readonly register: number;
  readonly likelihood: Exclude<Likelihood, 'no'>;
  readonly because: string;
}

const afterInstall = 'once grub-install has put it where the firmware finds it';

/**
 * The registers that a change moves on a machine that starts in this way.
 * TCG PC Client Platform Firmware Profile (4, 7); GRUB's manual, "Measured Boot" (8, 9); systemd-stub(7) (11);
 * the EFI stub of Linux 5.18 and later (9).
 */
export function registersMoved(
  { kind, packages, isCertain }: BootChange,
  chain: StartChain,
): readonly Move[] {
  const who = packages.length > 3 ? `${packages.slice(0, 3).join(', ')} and others` : packages.join(', ');
  const named = packages.length === 0 ? '' : ` (${who})`;
  const moves = chain.firmware === 'bios' ? biosMoves(kind, named) : uefiMoves[kind](chain, named);
  const isSure = isCertain && (chain.isSure || chain.firmware === 'bios');
  return isSure ? moves : moves.map((move) => ({ ...move, likelihood: 'possibly' }));
}

/** Firmware without UEFI measures the boot sector and the partition table, and nothing behind them measures. */
function biosMoves(kind: BootChange['kind'], who: string): readonly Move[] {
  return kind === 'grub' ? [possibly(4, `the boot sector of GRUB${who}, ${afterInstall}`)] : [];
}

type MovesOf = (chain: StartChain, who: string) => readonly Move[];

const uefiMoves: Readonly<Record<BootChange['kind'], MovesOf>> = {
  shim: ({ hasShim }, who) =>
    onlyIf(hasShim, [
      yes(4, `a new shim${who}, ${afterInstall}`),
      possibly(7, `a new shim${who} may bring another SBAT level or other certificates`),
      possibly(14, `a new shim${who} may measure other lists of keys`),
    ]),
  grub: ({ grub }, who) => [
    ...onlyIf(grub !== 'none', [yes(4, `a new GRUB${who}, ${afterInstall}`)]),
    ...onlyIf(grub === 'measures', [possibly(9, `modules of a new GRUB${who} are read from the disk`)]),
  ],
  'systemd-boot': ({ hasSystemdBoot, hasUki }, who) => [
    ...onlyIf(hasSystemdBoot, [yes(4, `a new systemd-boot${who}`)]),
    ...onlyIf(hasUki, [
      possibly(4, `unified kernel images made with the new stub${who}`),
      possibly(11, `unified kernel images made with the new stub${who}`),
    ]),
  ],
  kernel: ({ grub, hasShim, hasUki, hasSystemdBoot }, who) => [
    // Measured with GRUB 2.06: without Secure Boot it does not ask shim, and nobody measures the kernel as a program.
    grub === 'none'
      ? yes(4, `a new kernel${who}`)
      : possibly(
          4,
          hasShim
            ? `a new kernel${who}, which shim measures when Secure Boot is on`
            : `a new kernel${who}, which GRUB from 2.12 on lets the firmware start`,
        ),
    ...onlyIf(grub === 'measures', [yes(9, `GRUB reads a new kernel${who}`)]),
    ...onlyIf(hasUki, [yes(11, `a new kernel${who} in a unified kernel image`)]),
    ...onlyIf(hasSystemdBoot && !hasUki, [
      possibly(12, `the entry of a new kernel${who} may have another command line`),
    ]),
  ],
  initramfs: ({ grub, hasUki, hasSystemdBoot }, who) => [
    ...onlyIf(grub === 'measures', [yes(9, `GRUB reads a new initramfs${who}`)]),
    ...onlyIf(grub === 'silent' || hasUki || hasSystemdBoot, [
      possibly(9, `a new initramfs${who}, which Linux from 5.18 on measures itself`),
    ]),
    ...onlyIf(hasUki, [
      yes(4, `a new initramfs${who} in a unified kernel image`),
      yes(11, `a new initramfs${who} in a unified kernel image`),
    ]),
  ],
  'boot-menu': ({ grub }, who) =>
    onlyIf(grub === 'measures', [
      yes(8, `GRUB runs other commands of a new menu${who}`),
      yes(9, `GRUB reads a new menu${who}`),
    ]),
  'secure-boot-keys': (_, who) => [possibly(7, `the machine itself may take in new db and dbx${who}`)],
};

function onlyIf(condition: boolean, moves: readonly Move[]): readonly Move[] {
  return condition ? moves : [];
}

function yes(register: number, because: string): Move {
  return { register, likelihood: 'yes', because };
}

function possibly(register: number, because: string): Move {
  return { register, likelihood: 'possibly', because };
}
