import { binaryReader } from '../../lib/binary-reader.ts';
import { parseSbat, type SbatComponent } from './parse-sbat.ts';

/** What shim refuses: each component must have at least this generation. */
export interface SbatLevel {
  /** `2024010900`: the later level is in force. */
  readonly date: string;
  readonly minimums: readonly SbatComponent[];
}

/**
 * A level as the variable `SbatLevel` holds it.
 * @throws ColdpatchError `boot_program_corrupt`.
 */
export function parseSbatLevel(bytes: Uint8Array): SbatLevel {
  const minimums = parseSbat(bytes);
  const date = minimums[0]?.name === 'sbat' ? (minimums[0].details[0] ?? '') : '';
  return { date: /^\d{10}$/.test(date) ? date : '', minimums };
}

/**
 * The level that a shim brings and sets by itself when it starts: the first of the two in its section `.sbatlevel`.
 * The other is set only when somebody asks for the latest.
 * @throws ColdpatchError `boot_program_corrupt`.
 */
export function parseShimLevel(section: Uint8Array): SbatLevel {
  const reader = binaryReader(section, {
    order: 'little',
    code: 'boot_program_corrupt',
    what: 'the section .sbatlevel',
  });
  const start = 4 + reader.u32(4);
  return parseSbatLevel(reader.bytes(start, reader.length - start));
}

/** The later of two levels; shim never goes back. */
export function laterLevel(one: SbatLevel | undefined, other: SbatLevel | undefined): SbatLevel | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.date > one.date ? other : one;
}
