import { hasBytes } from '../../disk/has-bytes.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { hasModule } from './has-module.ts';
import { parseSbat, type SbatComponent } from './parse-sbat.ts';
import { authenticodeDigest } from './pe/authenticode-digest.ts';
import { parsePe, type PeFile } from './pe/parse-pe.ts';
import { readSection } from './pe/read-section.ts';
import { readSignatures } from './pe/read-signatures.ts';
import { parseShimLevel } from './sbat-level.ts';
import type { BootProgram, BootProgramKind } from './types.ts';

export interface ProgramOptions {
  /** Compute its digest and read its signatures, which reads all of it. */
  readonly withIdentity: boolean;
}

const limits = { sbat: 64 * 1024, level: 64 * 1024, magic: 256 };
/** The boot protocol of Linux for x86: `HdrS` in the header of a kernel. */
const kernelMagic = { at: 0x202n, text: 'HdrS' };

/**
 * What a program of a boot loader is and says of itself; undefined for a file that is none.
 * @throws ColdpatchError `boot_program_corrupt`, `limit_exceeded`.
 */
export function readBootProgram(
  file: ByteSource,
  { withIdentity }: ProgramOptions,
): Omit<BootProgram, 'volume' | 'path'> | undefined {
  const pe = parsePe(file);
  if (pe === undefined) return undefined;
  const sbat = parseSbat(readSection(file, pe, '.sbat', limits.sbat) ?? new Uint8Array());
  const kind = kindOf(file, pe, sbat);
  const level = kind === 'shim' ? readSection(file, pe, '.sbatlevel', limits.level) : undefined;
  const modules = kind === 'grub' ? pe.sections.find(({ name }) => name === 'mods') : undefined;
  return {
    kind,
    sbat,
    ...(level && { level: parseShimLevel(level) }),
    ...(kind === 'grub' && { measures: modules !== undefined && hasModule(file, modules, 'tpm') }),
    ...(withIdentity && {
      identity: { digest: authenticodeDigest(file, pe), signatures: readSignatures(file, pe) },
    }),
  };
}

function kindOf(file: ByteSource, pe: PeFile, sbat: readonly SbatComponent[]): BootProgramKind {
  const has = (name: string) => pe.sections.some((section) => section.name === name);
  const isPartOf = (name: string) => sbat.some((component) => component.name === name);
  if (has('.vendor_cert')) return 'shim';
  if (isPartOf('shim')) return 'shim-helper';
  if (has('.linux')) return 'uki';
  if (has('mods') || isPartOf('grub')) return 'grub';
  const magic = readSection(file, pe, '.sdmagic', limits.magic)?.toString('latin1') ?? '';
  if (magic.includes('LoaderInfo: systemd-boot')) return 'systemd-boot';
  return hasBytes(file, kernelMagic.at, kernelMagic.text) ? 'kernel' : 'other';
}
