/**
 * Is every fsync needed, and would its absence be noticed? Finds each call in the sources that syncs, tells the story of the
 * power cuts once, and then cuts the power as if the fsyncs of one call had not been made. Prints what becomes of each.
 *
 * `tools/with-node tools/mutate-fsyncs.ts [WORD ...]`: all, or those whose name has one of the words. As root, in minutes.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  copyWithMarks,
  type FsyncMutant,
  killBeforeSyncs,
  mutantsOf,
  tryMutant,
} from '../test/support/power-cut/fsync-mutants.ts';
import { openStrictTrial } from '../test/support/power-cut/strict-trial.ts';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function nameOf({ call, without }: FsyncMutant): string {
  return `${call.name} without ${without === 'all' ? 'its fsync' : `that of ${without}`}`;
}

async function run(folder: string, words: readonly string[]): Promise<boolean> {
  const { calls, programs } = copyWithMarks(join(folder, 'copy'));
  const trial = await openStrictTrial(join(folder, 'disk'), programs);
  const runs = await killBeforeSyncs(trial);
  const mutants = mutantsOf(calls).filter(
    (mutant) => words.length === 0 || words.some((word) => nameOf(mutant).includes(word)),
  );
  print(`${mutants.length} mutants, ${trial.operations.length} calls, ${runs.length} recoveries from kills`);
  let living = 0;
  for (const mutant of mutants) {
    const { result, detail } = await tryMutant(trial, runs, mutant);
    if (result !== 'killed') living += 1;
    print(`${result}: ${nameOf(mutant)}`);
    if (detail) print(`    ${detail.slice(0, 300)}`);
  }
  print(`${mutants.length - living} killed, ${living} not`);
  return living === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
mkdirSync(join(folder, 'disk'));
execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', join(folder, 'disk')]);
try {
  if (!(await run(folder, process.argv.slice(2)))) process.exitCode = 1;
} finally {
  execFileSync('umount', [join(folder, 'disk')]);
  rmSync(folder, { recursive: true });
}
