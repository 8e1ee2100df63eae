import { ColdpatchError } from '../../../lib/errors.ts';
import type { UpgradeSet } from '../../types.ts';
import type { FindUpgradesOptions, SolvingFamily } from '../types.ts';
import { fetchRepositories } from './fetch-repository.ts';
import { parseSources } from './parse-sources.ts';
import { readOperatorSources } from './read-operator-sources.ts';
import { solveWithApt } from './solve-with-apt.ts';

/** Debian's and Ubuntu's repositories, with apt on this host as their solver. */
export const apt: SolvingFamily = { id: 'apt', revision: 1, findUpgrades };

async function findUpgrades(options: FindUpgradesOptions): Promise<UpgradeSet> {
  const { aptConfiguration, repositories, onProgress } = options;
  const architectures = [...new Set([options.architecture, ...options.foreignArchitectures])];
  const fromOperator = repositories !== undefined && repositories.length > 0;
  const parsed = fromOperator
    ? readOperatorSources(repositories, architectures)
    : parseSources(aptConfiguration.sourceFiles, { architectures, fromOperator });
  if (parsed.sources.length === 0)
    throw noSources(parsed.skipped.map(({ where, reason }) => `${where}: ${reason}`));
  const fetched = await fetchRepositories(parsed.sources, {
    ...options,
    keyrings: aptConfiguration.keyrings,
    fromOperator,
    allowStale: options.allowStale ?? false,
    offline: options.offline ?? false,
  });
  const skipped = [...parsed.skipped, ...fetched.skipped];
  if (fetched.entries.length === 0)
    throw noSources(skipped.map(({ where, reason }) => `${where}: ${reason}`));
  onProgress?.({ step: 'solve' });
  const solution = await solveWithApt({ ...options, entries: fetched.entries, architectures });
  const entries = fetched.entries.map(({ releaseText: _, ...entry }) => entry);
  return { ...solution, snapshot: { entries, skipped }, skipped };
}

function noSources(reasons: readonly string[]): ColdpatchError {
  const found =
    reasons.length === 0 ? 'none' : `only what cannot be used (${reasons.slice(0, 5).join('; ')})`;
  return new ColdpatchError(
    'sources_missing',
    `Expected at least one package repository in the apt sources of the image, found ${found}. Name one with --repository "URI suite component".`,
  );
}
