import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AptConfiguration } from '../../../guest/apt-configuration.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { KeptBackPackage, PackageArrival, PackageChange, PackageRemoval } from '../../types.ts';
import { aptConfigurationOfRun } from './apt-configuration-of-run.ts';
import { ensureAptLists } from './apt-lists.ts';
import { explainKeptBack } from './explain-kept-back.ts';
import type { FetchedEntry } from './fetch-repository.ts';
import { findPinned } from './find-pinned.ts';
import { indexPackages, type OffersOf } from './index-packages.ts';
import { type InstalledSelection, installedSelections } from './installed-selections.ts';
import {
  parseSimulation,
  type Simulation,
  type SimulatedInstall,
  type SimulatedRemoval,
} from './parse-simulation.ts';
import { runSolver, type SolverRun } from './run-solver.ts';

export interface SolveOptions {
  readonly entries: readonly FetchedEntry[];
  readonly aptConfiguration: Pick<AptConfiguration, 'preferenceFiles' | 'settings'>;
  readonly dpkgStatus: Uint8Array;
  readonly extendedStates?: Uint8Array | undefined;
  /** The machine's own first. */
  readonly architectures: readonly string[];
  readonly cacheDirectory: string;
  readonly workDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Solution {
  readonly changes: readonly PackageChange[];
  readonly keptBack: readonly KeptBackPackage[];
}

/**
 * Lets apt on this host solve `dist-upgrade` for the packages of an image, with verified lists and nothing of the host.
 *
 * @throws ColdpatchError `plan_unsolvable` with apt's own words, `host_tool_missing`, `host_tool_timeout`, `repository_corrupt`
 */
export async function solveWithApt(options: SolveOptions): Promise<Solution> {
  const shared = await ensureAptLists(options);
  const own = await mkdtemp(join(options.workDirectory, 'apt-'));
  try {
    const run = await prepareRun(shared, own, options);
    // The lists are read while apt thinks.
    const [simulation, offersOf] = await Promise.all([simulate(run), indexPackages(options.entries)]);
    const installed = installedSelections(options.dpkgStatus);
    const kept = await explainKeptBack(run, simulation.keptBack, byLabel(installed, options.architectures));
    return solutionOf({ simulation, installed, kept, offersOf }, options);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function prepareRun(shared: string, own: string, options: SolveOptions): Promise<SolverRun> {
  const { aptConfiguration, architectures, dpkgStatus, extendedStates, signal } = options;
  const preferences = join(own, 'preferences.d');
  await mkdir(preferences);
  await writeFile(join(own, 'status'), dpkgStatus);
  await writeFile(join(own, 'extended_states'), extendedStates ?? '');
  for (const [index, { path, text }] of aptConfiguration.preferenceFiles.entries()) {
    // The order of the image's files is kept, whatever directories they come from.
    const name = `${String(index).padStart(4, '0')}-${basename(path).replace(/[^A-Za-z0-9_-]/g, '_')}`;
    await writeFile(join(preferences, name), text);
  }
  const configurationPath = join(own, 'apt.conf');
  const text = aptConfigurationOfRun({ shared, own }, architectures, aptConfiguration.settings);
  await writeFile(configurationPath, text);
  return { configurationPath, signal };
}

async function simulate(run: SolverRun): Promise<Simulation> {
  const { exitCode, stdout, stderr } = await runSolver(run, 'apt-get', ['-s', 'dist-upgrade']);
  const simulation = parseSimulation(stdout);
  if (exitCode !== 0) {
    const unmet = [...simulation.unmet].map(([name, words]) => `${name}: ${words}`);
    const said = stderr.split('\n').filter((line) => line.startsWith('E: '));
    throw unsolvable([...unmet, ...said].slice(0, 20).join('\n') || `exit code ${exitCode}`);
  }
  if (simulation.essentialRemovals.length > 0) {
    throw unsolvable(`it would remove essential packages: ${simulation.essentialRemovals.join(' ')}`);
  }
  return simulation;
}

function unsolvable(words: string): ColdpatchError {
  return new ColdpatchError(
    'plan_unsolvable',
    `Expected apt to find an upgrade for the packages of the image, but it says:\n${words}\nThe same would happen in the running machine: repair its packages or its sources there first.`,
  );
}

interface Findings {
  readonly simulation: Simulation;
  readonly installed: readonly InstalledSelection[];
  readonly kept: readonly KeptBackPackage[];
  readonly offersOf: OffersOf;
}

function solutionOf({ simulation, installed, kept, offersOf }: Findings, options: SolveOptions): Solution {
  const { preferenceFiles, settings } = options.aptConfiguration;
  const labels = byLabel(installed, options.architectures);
  const changes = [
    ...simulation.installs.map((install) => arrivalOf(install, offersOf)),
    ...simulation.removals.map((removal) => removalOf(removal, labels)),
  ];
  if (preferenceFiles.length === 0 && settings['APT::Default-Release'] === undefined) {
    return { changes, keptBack: kept };
  }
  const decided = new Set([...changes, ...kept].map(({ name }) => name));
  const staying = installed.filter(({ name }) => !decided.has(name));
  return { changes, keptBack: [...kept, ...findPinned(staying, offersOf, preferenceFiles)] };
}

function arrivalOf(install: SimulatedInstall, offersOf: OffersOf): PackageArrival {
  const { name, architecture, from, to } = install;
  const found = offersOf(name).find(({ file }) => file.version === to && file.architecture === architecture);
  if (found !== undefined) {
    const { file, installedSize, entry } = found;
    return { name, architecture, from, to, file, installedSize, suite: entry.suite };
  }
  throw new ColdpatchError(
    'internal',
    `Expected the package ${name} ${to} (${architecture}), which apt chose, in one of the verified lists, but it is in none. Report this as a bug.`,
  );
}

function removalOf(
  { name: label, from }: SimulatedRemoval,
  installed: ReadonlyMap<string, InstalledSelection>,
): PackageRemoval {
  const selection = installed.get(label);
  const [name = label, architecture = ''] = label.split(':');
  return {
    name: selection?.name ?? name,
    architecture: selection?.architecture ?? architecture,
    from,
    to: null,
  };
}

/** Installed packages as apt names them: bare for the machine's own architecture and `all`, else with `:arch`. */
function byLabel(
  installed: readonly InstalledSelection[],
  architectures: readonly string[],
): ReadonlyMap<string, InstalledSelection> {
  const own = new Set([architectures[0], 'all']);
  return new Map(
    installed.map((selection) => {
      const { name, architecture } = selection;
      return [own.has(architecture) ? name : `${name}:${architecture}`, selection];
    }),
  );
}
