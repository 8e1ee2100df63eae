import { join } from 'node:path';
import type { FileTree } from '../../../guest/file-tree.ts';
import { versioningOf } from '../../../guest/versioning/registry.ts';
import { readYumConfiguration, type YumConfiguration } from '../../../guest/yum-configuration.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { mapConcurrently } from '../../../lib/map-concurrently.ts';
import { removeLeftovers } from '../../remove-leftovers.ts';
import type { SkippedSource } from '../../repository-snapshot.ts';
import { type Keyring, keyringOf } from '../keyring.ts';
import { newestOffers, type NewestOffers } from '../newest-offers.ts';
import { parseOperatorSource } from '../operator-source.ts';
import { readHostKey } from '../read-host-key.ts';
import { sourcesMissing } from '../sources-missing.ts';
import type { FindNewerOptions, NewerSet, OrderingFamily } from '../types.ts';
import { variablesOf } from './expand-variables.ts';
import { fetchMetadata, type FetchMetadataOptions } from './fetch-metadata.ts';
import { type AcceptedRepomd, fetchRepomd } from './fetch-repomd.ts';
import { type ModuleFilter, moduleFilter } from './module-filter.ts';
import { parseSources } from './parse-sources.ts';
import { readModules } from './read-modules.ts';
import { readPrimary } from './read-primary.ts';
import type { ParsedSources, RpmMdSource } from './types.ts';

/** The repositories of Red Hat's, SUSE's and Amazon's families: repomd.xml and what it names. */
export const rpmMd: OrderingFamily = { id: 'rpm-md', revision: 1, findNewer };

const operatorForm = 'rpm-md ID BASEURL [key=FILE]';
const connections = 4;
const keyringLimit = 8 * 1024 * 1024;

interface Verified {
  readonly source: RpmMdSource;
  readonly repomd: AcceptedRepomd;
}

async function findNewer(options: FindNewerOptions): Promise<NewerSet> {
  const { repositories, tree, installed, onProgress } = options;
  const configuration = readYumConfiguration(tree);
  const fromOperator = repositories !== undefined && repositories.length > 0;
  const parsed = fromOperator ? operatorSources(repositories) : guestSources(configuration, options);
  const gaps = configuration.gaps.map(({ where, detail }) => ({ where, reason: detail }));
  if (parsed.sources.length === 0) throw sourcesMissing([...parsed.skipped, ...gaps], operatorForm);
  const root = join(options.cacheDirectory, 'metadata');
  const shared = {
    root,
    workDirectory: options.workDirectory,
    now: options.clock(),
    allowStale: options.allowStale ?? false,
    allowUnsigned: options.allowUnsigned ?? false,
    offline: options.offline ?? false,
    pinned: options.pinned,
    allowHostFiles: fromOperator,
  };
  await removeLeftovers(root, shared.now);
  let done = 0;
  const total = parsed.sources.length * 2;
  const verified = await mapConcurrently(
    parsed.sources,
    connections,
    options.signal,
    async (source, signal) => {
      onProgress?.({ step: 'repositories', done, total, detail: source.uri });
      const keyring = await keyringFor(source, { tree, configuration, fromOperator });
      const repomd = await fetchRepomd(source, { ...shared, keyring, signal });
      done += 1;
      return { source, repomd };
    },
  );
  const offers = newestOffers(installed, versioningOf('rpm'));
  const modules = moduleFilter(configuration.modules, offers.isInstalled);
  const fetching = { ...shared, signal: options.signal };
  for (const one of verified) await addModules(one, modules, fetching);
  for (const one of verified) {
    onProgress?.({ step: 'repositories', done, total, detail: one.source.uri });
    await offerPackages(one, { modules, offers }, fetching);
    done += 1;
  }
  return {
    newer: offers.newer(),
    repositories: verified.map(({ source, repomd }) => ({
      uri: source.uri,
      suite: source.id,
      releaseDigest: repomd.digest,
      date: repomd.date.toISOString(),
      validUntil: null,
    })),
    skipped: [...parsed.skipped, ...gaps],
    doubts: [...parsed.doubts, ...verified.flatMap(unsignedDoubt), ...offers.doubts()],
  };
}

function operatorSources(lines: readonly string[]): ParsedSources {
  const sources = lines.map((line) => {
    const { id, uri, keyPath } = parseOperatorSource(line, operatorForm);
    const keyPaths = keyPath === undefined ? [] : [keyPath];
    return { where: '--repository', id, uri, keyPaths, moduleHotfixes: false };
  });
  return { sources, skipped: [], doubts: [] };
}

function guestSources(
  { repositoryFiles, variables }: YumConfiguration,
  { operatingSystem }: FindNewerOptions,
): ParsedSources {
  return parseSources(repositoryFiles, variablesOf(operatingSystem, variables));
}

interface KeyPlaces {
  readonly tree: FileTree;
  readonly configuration: YumConfiguration;
  readonly fromOperator: boolean;
}

/** The keys that a source names, else all that the image keeps for its packages. */
async function keyringFor(
  { keyPaths, where }: RpmMdSource,
  { tree, configuration, fromOperator }: KeyPlaces,
): Promise<Keyring> {
  if (keyPaths.length === 0) return keyringOf(configuration.keyrings.map(({ bytes }) => bytes));
  if (fromOperator) return keyringOf(await Promise.all(keyPaths.map((path) => readHostKey(path, where))));
  return keyringOf(
    keyPaths.flatMap((path) => {
      const known = configuration.keyrings.find((one) => one.path === path);
      if (known !== undefined) return [known.bytes];
      return tree.exists(path) && tree.status(path).type === 'file'
        ? [tree.readFile(path, { limit: keyringLimit })]
        : [];
    }),
  );
}

async function addModules(
  { source, repomd }: Verified,
  modules: ModuleFilter,
  options: FetchMetadataOptions,
): Promise<void> {
  const file = repomd.content.files.get('modules');
  if (file === undefined) return;
  const chunks = await fetchMetadata(source.uri, file, options);
  for await (const document of readModules(chunks, `${source.uri}${file.path}`)) modules.add(document);
}

async function offerPackages(
  { source, repomd }: Verified,
  { modules, offers }: { readonly modules: ModuleFilter; readonly offers: NewestOffers },
  options: FetchMetadataOptions,
): Promise<void> {
  const file = repomd.content.files.get('primary');
  if (file === undefined) {
    throw new ColdpatchError(
      'repository_corrupt',
      `Expected a list of packages (primary) in the repomd.xml of ${source.uri}, found none. Tell whoever keeps the repository.`,
    );
  }
  const chunks = await fetchMetadata(source.uri, file, options);
  await readPrimary(chunks, `${source.uri}${file.path}`, (listed) => {
    if (!offers.isInstalled(listed.name) || !modules.counts(listed, source.moduleHotfixes)) return;
    offers.offer({ ...listed, suite: source.id });
  });
}

function unsignedDoubt({ source, repomd }: Verified): readonly SkippedSource[] {
  if (repomd.isSigned) return [];
  return [
    { where: `${source.uri} ${source.id}`, reason: 'nobody signed it, and it was allowed for this run' },
  ];
}
