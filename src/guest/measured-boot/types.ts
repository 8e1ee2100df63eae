import type { Binding } from '../../disk/volume-managers/binding.ts';
import type { Gap } from '../../lib/gap.ts';
import type { BootSetup } from '../types.ts';
import type { SbatComponent } from './parse-sbat.ts';
import type { PeSignature } from './pe/read-signatures.ts';
import type { SbatLevel } from './sbat-level.ts';

/** `shim-helper` are the programs that shim brings along: MokManager and fallback. */
export type BootProgramKind = 'shim' | 'shim-helper' | 'grub' | 'systemd-boot' | 'uki' | 'kernel' | 'other';

/** A program that the firmware starts, or one that such a program starts. */
export interface BootProgram {
  /** Name of the volume, and the path in it. */
  readonly volume: string;
  readonly path: string;
  readonly kind: BootProgramKind;
  /** Empty when it has no section `.sbat`. */
  readonly sbat: readonly SbatComponent[];
  /** Of shim: the level that it sets by itself. */
  readonly level?: SbatLevel;
  /** Of GRUB: whether it measures what it does and reads, which its module `tpm` does. */
  readonly measures?: boolean;
  /** When asked for. */
  readonly identity?: ProgramIdentity;
}

export interface ProgramIdentity {
  /** SHA-256 as signatures and dbx count it, 64 hexadecimal digits. */
  readonly digest: string;
  readonly signatures: readonly PeSignature[];
}

/** What opens an encrypted volume without a person. */
export interface BoundKey {
  readonly volume: string;
  readonly binding: Binding;
}

/** All of an image that decides what a TPM measures when it starts. */
export interface MeasuredBoot {
  readonly firmware: BootSetup['firmware'];
  readonly programs: readonly BootProgram[];
  readonly keys: readonly BoundKey[];
  /** Encrypted volumes of which it could not be read what opens them. */
  readonly unreadKeys: readonly string[];
  readonly gaps: readonly Gap[];
}
