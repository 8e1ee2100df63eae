import type { KeptBackPackage } from '../../types.ts';
import type { InstalledSelection } from './installed-selections.ts';
import { bareName, parseSimulation } from './parse-simulation.ts';
import { runSolver, type SolverRun } from './run-solver.ts';

/** Questions to the solver take about a second each. */
const maximumExplained = 20;
const maximumSingleQuestions = 5;

/**
 * Finds out why the solver keeps packages back: a hold, or what it says when it is asked for just these.
 *
 * @param labels as apt prints them
 */
export async function explainKeptBack(
  run: SolverRun,
  labels: readonly string[],
  installed: ReadonlyMap<string, InstalledSelection>,
): Promise<readonly KeptBackPackage[]> {
  const known = labels.flatMap((label) => {
    const selection = installed.get(label);
    return selection === undefined ? [] : [{ label, selection }];
  });
  if (known.length === 0) return [];
  const candidates = await readCandidates(
    run,
    known.map(({ label }) => label),
  );
  const open = known.filter(({ selection }) => !selection.held).map(({ label }) => label);
  const reasons = await askWhy(run, open.slice(0, maximumExplained));
  return known.map(({ label, selection }) => ({
    name: selection.name,
    architecture: selection.architecture,
    installed: selection.version,
    candidate: candidates.get(label) ?? selection.version,
    reason: selection.held ? 'hold' : (reasons.get(label) ?? 'the solver kept it and gave no reason'),
  }));
}

async function readCandidates(
  run: SolverRun,
  labels: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await runSolver(run, 'apt-cache', ['policy', ...labels]);
  const candidates = new Map<string, string>();
  let current = '';
  for (const line of stdout.split('\n')) {
    const [, label] = /^(\S+):$/.exec(line) ?? [];
    const [, candidate] = /^  Candidate: (\S+)$/.exec(line) ?? [];
    if (label !== undefined) current = label;
    if (candidate !== undefined) candidates.set(current, candidate);
  }
  return candidates;
}

async function askWhy(run: SolverRun, labels: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const reasons = new Map<string, string>();
  if (labels.length === 0) return reasons;
  await ask(run, labels, reasons);
  // Alone a package may fail for a reason that was hidden by the others.
  const silent = labels.length === 1 ? [] : labels.filter((label) => !reasons.has(label));
  for (const label of silent.slice(0, maximumSingleQuestions)) await ask(run, [label], reasons);
  return reasons;
}

async function ask(run: SolverRun, labels: readonly string[], reasons: Map<string, string>): Promise<void> {
  const { stdout, exitCode } = await runSolver(run, 'apt-get', ['-s', 'install', ...labels]);
  const { unmet, removals } = parseSimulation(stdout);
  for (const label of labels) {
    const said = unmet.get(label) ?? unmet.get(bareName(label));
    if (said !== undefined) reasons.set(label, said);
    else if (exitCode === 0 && removals.length > 0) {
      reasons.set(label, `upgrading it would remove ${removals.map(({ name }) => name).join(', ')}`);
    }
  }
}
