import { join } from 'node:path';
import type { KeyringFile } from '../../../guest/apt-configuration.ts';
import { mapConcurrently } from '../../../lib/map-concurrently.ts';
import { removeLeftovers } from '../../remove-leftovers.ts';
import type { UpgradeProgress } from '../../types.ts';
import type { SkippedSource, SnapshotEntry } from '../../repository-snapshot.ts';
import type { PinnedRepository } from '../../used-repositories.ts';
import { fetchIndex } from './fetch-index.ts';
import { fetchRelease, type VerifiedRelease } from './fetch-release.ts';
import { selectKeyring } from './select-keyring.ts';
import type { AptSource } from './types.ts';

export interface FetchRepositoryOptions {
  readonly keyrings: readonly KeyringFile[];
  /** The operator wrote the sources: files of this host may be read. */
  readonly fromOperator: boolean;
  readonly cacheDirectory: string;
  readonly workDirectory: string;
  readonly clock: () => Date;
  readonly allowStale: boolean;
  readonly offline: boolean;
  readonly pinned?: readonly PinnedRepository[] | undefined;
  readonly onProgress?: ((progress: UpgradeProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One list, and the signed text that it hangs on. */
export interface FetchedEntry extends SnapshotEntry {
  readonly releaseText: Buffer;
}

export interface FetchedRepositories {
  readonly entries: readonly FetchedEntry[];
  readonly skipped: readonly SkippedSource[];
}

interface WantedIndex {
  readonly source: AptSource;
  readonly verified: VerifiedRelease;
  readonly component: string;
  readonly architecture: string;
  readonly path: string;
}

const connections = 8;

/**
 * Fetches and verifies the lists of packages of all `sources`, through the cache.
 *
 * @throws ColdpatchError any `repository_*`, `host_space`, `host_tool_missing`
 */
export async function fetchRepositories(
  sources: readonly AptSource[],
  options: FetchRepositoryOptions,
): Promise<FetchedRepositories> {
  const root = join(options.cacheDirectory, 'metadata');
  const shared = { ...options, root, allowHostFiles: options.fromOperator, now: options.clock() };
  await removeLeftovers(root, shared.now);
  let done = 0;
  let total = sources.length;
  const report = (detail: string): void =>
    options.onProgress?.({ step: 'repositories', done, total, detail });
  const releases = await mapConcurrently(sources, connections, options.signal, async (source, signal) => {
    report(`${source.uri} ${source.suite}`);
    const keyring = await selectKeyring(source, options.keyrings, options.fromOperator);
    const verified = await fetchRelease(source, { ...shared, keyring, signal });
    done += 1;
    return { source, verified };
  });
  const wanted = releases.flatMap(({ source, verified }) => wantedIndexes(source, verified));
  total += wanted.length;
  const results = await mapConcurrently(wanted, connections, options.signal, async (index, signal) => {
    report(`${index.verified.base}${index.path}`);
    const stored = await fetchIndex(index.verified, index.path, { ...shared, signal });
    done += 1;
    return stored === undefined ? missing(index) : { entry: entryOf(index, stored.path, stored.digest) };
  });
  return {
    entries: results.flatMap((result) => ('entry' in result ? [result.entry] : [])),
    skipped: results.flatMap((result) => ('skipped' in result ? [result.skipped] : [])),
  };
}

function wantedIndexes(source: AptSource, verified: VerifiedRelease): readonly WantedIndex[] {
  const wanted = { source, verified };
  if (source.suite.endsWith('/')) {
    return [{ ...wanted, component: '', architecture: source.architectures[0] ?? '', path: 'Packages' }];
  }
  const all = verified.release.hasListsForAll ? ['all'] : [];
  return source.components.flatMap((component) =>
    [...source.architectures, ...all].map((architecture) => ({
      ...wanted,
      component,
      architecture,
      path: `${component}/binary-${architecture}/Packages`,
    })),
  );
}

function missing({ source, component, architecture }: WantedIndex): { readonly skipped: SkippedSource } {
  const part = component === '' ? '' : `${component}, ${architecture}: `;
  return {
    skipped: {
      where: `${source.uri} ${source.suite}`,
      reason: `${part}the repository publishes no list of such packages`,
    },
  };
}

function entryOf(index: WantedIndex, packagesPath: string, indexDigest: string): FetchedEntry {
  const { source, verified, component, architecture } = index;
  const { release, digest, text } = verified;
  return {
    uri: source.uri,
    suite: source.suite,
    component,
    architecture,
    releaseDigest: digest,
    date: release.date,
    ...(release.validUntil === undefined ? {} : { validUntil: release.validUntil }),
    notAutomatic: release.notAutomatic,
    packagesPath,
    indexDigest,
    releaseText: text,
  };
}
