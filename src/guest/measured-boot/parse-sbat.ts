import { programCorrupt } from './pe/corrupt.ts';

/** A part of a program, or of a level, and which security generation it has, or must at least have. */
export interface SbatComponent {
  readonly name: string;
  readonly generation: number;
  /** What stands behind them: the vendor and version of a program, or the date of a level. */
  readonly details: readonly string[];
}

const mostLines = 512;

/**
 * Lines of `component,generation,...`, up to the first NUL: the section `.sbat` of a program, or the level that shim
 * holds programs against. SBAT.md of shim.
 *
 * @throws ColdpatchError `boot_program_corrupt`.
 */
export function parseSbat(bytes: Uint8Array): readonly SbatComponent[] {
  const text = Buffer.from(bytes).toString('latin1').split('\0', 1)[0] ?? '';
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > mostLines) throw programCorrupt(`at most ${mostLines} lines of SBAT`, `${lines.length}`);
  return lines.map((line) => {
    const [name = '', generation = '', ...details] = line.split(',');
    if (!/^[\x21-\x7e]{1,128}$/.test(name) || !/^\d{1,9}$/.test(generation)) {
      throw programCorrupt(
        'a line of SBAT with a component and its generation',
        JSON.stringify(line.slice(0, 80)),
      );
    }
    return { name, generation: Number(generation), details };
  });
}
