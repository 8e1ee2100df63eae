import { join } from 'node:path';
import { type ApkConfiguration, readApkConfiguration } from '../../../guest/apk-configuration.ts';
import { versioningOf } from '../../../guest/versioning/registry.ts';
import { mapConcurrently } from '../../../lib/map-concurrently.ts';
import { removeLeftovers } from '../../remove-leftovers.ts';
import type { SkippedSource } from '../../repository-snapshot.ts';
import { newestOffers } from '../newest-offers.ts';
import { parseOperatorSource } from '../operator-source.ts';
import { sourcesMissing } from '../sources-missing.ts';
import type { FindNewerOptions, NewerSet, OrderingFamily } from '../types.ts';
import { type AcceptedIndex, fetchIndex } from './fetch-index.ts';
import { keysOf } from './keys-of.ts';
import { parseRepositories } from './parse-repositories.ts';
import type { ApkSource } from './types.ts';

/** Alpine's repositories: signed lists named APKINDEX. */
export const apk: OrderingFamily = { id: 'apk', revision: 1, findNewer };

const operatorForm = 'apk URL [key=FILE]';
const connections = 4;
const maximumDoubts = 20;

interface Accepted {
  readonly source: ApkSource;
  readonly index: AcceptedIndex;
}

async function findNewer(options: FindNewerOptions): Promise<NewerSet> {
  const { repositories, tree, onProgress } = options;
  const { architecture } = options.operatingSystem;
  const configuration = readApkConfiguration(tree);
  const fromOperator = repositories !== undefined && repositories.length > 0;
  const parsed = fromOperator
    ? { sources: repositories.map(operatorSource), skipped: [] }
    : parseRepositories(configuration.repositoryFiles);
  const skipped = [
    ...parsed.skipped,
    ...configuration.gaps.map(({ where, detail }) => ({ where, reason: detail })),
  ];
  if (parsed.sources.length === 0) throw sourcesMissing(skipped, operatorForm);
  const root = join(options.cacheDirectory, 'metadata');
  const offers = newestOffers(options.installed, versioningOf('apk'));
  const shared = {
    architecture,
    isWanted: offers.isInstalled,
    root,
    now: options.clock(),
    allowStale: options.allowStale ?? false,
    allowUnsigned: options.allowUnsigned ?? false,
    offline: options.offline ?? false,
    pinned: options.pinned,
    allowHostFiles: fromOperator,
  };
  await removeLeftovers(root, shared.now);
  let done = 0;
  const total = parsed.sources.length;
  const accepted = await mapConcurrently(
    parsed.sources,
    connections,
    options.signal,
    async (source, signal) => {
      onProgress?.({ step: 'repositories', done, total, detail: source.uri });
      const keys = await keysOf(source, configuration.keys);
      const index = await fetchIndex(source, { ...shared, keys, signal });
      done += 1;
      return { source, index };
    },
  );
  for (const { source, index } of accepted) {
    for (const listed of index.content) offers.offer({ ...listed, suite: source.uri });
  }
  return {
    newer: offers.newer(),
    repositories: accepted.map(({ source, index }) => ({
      uri: source.uri,
      suite: architecture,
      releaseDigest: index.digest,
      date: index.date.toISOString(),
      validUntil: null,
    })),
    skipped,
    doubts: [...accepted.flatMap(doubtsOf), ...notFollowed(configuration), ...offers.doubts()],
  };
}

function operatorSource(line: string): ApkSource {
  const { uri, keyPath } = parseOperatorSource(line, operatorForm);
  return { where: '--repository', uri, keyPath };
}

function doubtsOf({ source, index }: Accepted): readonly SkippedSource[] {
  const where = source.uri;
  return [
    ...(index.isSigned ? [] : [{ where, reason: 'nobody signed it, and it was allowed for this run' }]),
    ...(index.date.getTime() > 0
      ? []
      : [{ where, reason: 'its list has no date, so an older one could not be told from it' }]),
  ];
}

/** Packages that are wanted in a certain version, or from a source with a tag. */
function notFollowed({ world }: ApkConfiguration): readonly SkippedSource[] {
  const words = world.filter((word) => /[<>=~@]/.test(word) && !word.startsWith('.'));
  return words
    .slice(0, maximumDoubts)
    .map((word) => ({ where: '/etc/apk/world', reason: `"${word.slice(0, 100)}" is not followed` }));
}
