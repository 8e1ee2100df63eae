/**
 * Is every fsync needed, and would its absence be noticed? Finds each call in the sources that syncs, tells the stories of the
 * power cuts once, and then cuts the power as if the fsyncs of one call had not been made. A call that no power cut needs is
 * removed from a copy, where a test must fail then. Prints what becomes of each.
 *
 * `tools/with-node tools/mutate-fsyncs.ts [WORD ...]`: all, or those whose name has one of the words. As root, in minutes.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutRecovery, type KilledRun } from '../test/support/power-cut/cut-strictly.ts';
import {
  assertTestPasses,
  copyWithMarks,
  fileOf,
  type FsyncMutant,
  isNoticedByTest,
  killBeforeSyncs,
  type MutantOutcome,
  mutantsOf,
  tryMutant,
} from '../test/support/power-cut/fsync-mutants.ts';
import {
  openStrictTrial,
  runningStory,
  type StrictTrial,
  wholeStory,
} from '../test/support/power-cut/strict-trial.ts';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function nameOf({ call, without }: FsyncMutant): string {
  return `${call.name} without ${without === 'all' ? 'its fsync' : `that of ${without}`}`;
}

interface Told {
  readonly trial: StrictTrial;
  readonly runs: readonly KilledRun[];
}

async function tryAll(stories: readonly Told[], mutant: FsyncMutant): Promise<MutantOutcome> {
  let best: MutantOutcome = { mutant, result: 'not reached', detail: '' };
  for (const { trial, runs } of stories) {
    const outcome = await tryMutant(trial, runs, mutant);
    if (outcome.result === 'killed') return outcome;
    if (outcome.result === 'survived') best = outcome;
  }
  return best;
}

async function run(folder: string, words: readonly string[]): Promise<boolean> {
  const copy = join(folder, 'copy');
  const { calls, programs } = copyWithMarks(copy);
  const mutants = mutantsOf(calls).filter(
    (mutant) => words.length === 0 || words.some((word) => nameOf(mutant).includes(word)),
  );
  print(`${calls.length} calls, ${mutants.length} mutants`);
  const stories: Told[] = [];
  for (const story of [wholeStory, runningStory]) {
    const disk = join(folder, 'disk', story.program);
    mkdirSync(disk);
    const trial = await openStrictTrial(disk, programs, story);
    const files = words.length === 0 ? undefined : new Set(mutants.map(({ call }) => fileOf(call.name)));
    const runs = await killBeforeSyncs(trial, files);
    print(`${story.program}: ${trial.operations.length} operations, ${runs.length} recoveries from kills`);
    for (const one of runs) {
      const { wrong } = await cutRecovery(trial, one, { mixtures: 'lost', enough: 1 });
      // What is wrong with all fsyncs shows nothing of one.
      if (wrong.length > 0) throw new Error(`Expected nothing wrong with all fsyncs, but: ${wrong.join()}`);
    }
    stories.push({ trial, runs });
  }
  const unnoticed: MutantOutcome[] = [];
  for (const mutant of mutants) {
    const outcome = await tryAll(stories, mutant);
    if (outcome.result !== 'killed') unnoticed.push(outcome);
    print(`${outcome.result}: ${nameOf(mutant)}`);
    if (outcome.detail) print(`    ${outcome.detail.slice(0, 300)}`);
  }
  if (unnoticed.length > 0) assertTestPasses(copy);
  let living = 0;
  for (const { mutant } of unnoticed) {
    const isNoticed = isNoticedByTest(copy, mutant);
    if (!isNoticed) living += 1;
    print(`${isNoticed ? 'noticed by a test' : 'NOT NOTICED'}: ${nameOf(mutant)}`);
  }
  print(
    `${mutants.length - unnoticed.length} noticed by power cuts, ${unnoticed.length - living} by a test, ${living} not`,
  );
  return living === 0;
}

const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
mkdirSync(join(folder, 'disk'));
execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700', 'tmpfs', join(folder, 'disk')]);
try {
  if (!(await run(folder, process.argv.slice(2)))) process.exitCode = 1;
} finally {
  execFileSync('umount', ['--recursive', join(folder, 'disk')]);
  rmSync(folder, { recursive: true });
}
