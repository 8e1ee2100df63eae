/** One check of the repository; red when its program ends with anything but 0. */
export interface Gate {
  readonly name: string;
  /** A program of ours or of a package in node_modules, and its arguments. Both are relative to the repository. */
  readonly command: readonly [script: string, ...args: string[]];
}

/** The checks that read the sources, quick ones first. */
export const sourceGates: readonly Gate[] = [
  {
    name: 'format',
    command: ['node_modules/@biomejs/biome/bin/biome', 'format', '--max-diagnostics=none', '.'],
  },
  { name: 'boundaries', command: ['tools/check-boundaries.ts'] },
  { name: 'docs', command: ['tools/generate-docs.ts', '--check'] },
  { name: 'types', command: ['node_modules/typescript/bin/tsc', '--project', '.'] },
  { name: 'lint', command: ['node_modules/oxlint/bin/oxlint', '--type-aware'] },
  {
    name: 'dead code',
    command: ['node_modules/knip/bin/knip.js', '--no-progress', '--treat-config-hints-as-errors'],
  },
];

/** Everything beside the sources that needs neither root nor seconds. */
export const smallTests: Gate = {
  name: 'small tests',
  command: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'small'],
};
