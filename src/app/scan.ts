import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { RecordedPackage } from '../guest/package-managers/types.ts';
import { versioningOfManager } from '../guest/versioning/registry.ts';
import type { Versioning } from '../guest/versioning/types.ts';
import { type ExaminedSystem, examineForScan } from '../patch/examine-for-scan.ts';
import type { ExaminedImage, ImageRequest } from '../patch/examine-image.ts';
import { findImageUpgrades, type ImageUpgradeOptions } from '../patch/find-image-upgrades.ts';
import { createPhases, type PhaseDisplay, type Phases } from '../patch/phases.ts';
import { packageChangelogs } from '../upgrades/changelogs/package-changelogs.ts';
import { findNewer } from '../upgrades/find-newer.ts';
import { supportPeriod } from '../upgrades/lifecycle/support-period.ts';
import { consultAdvisories } from '../upgrades/matching/consult-advisories.ts';
import type { Unknown } from '../upgrades/matching/exposure.ts';
import {
  type InstalledForMatching,
  matchPackagesOfImage,
  type PublishedUpgrade,
} from '../upgrades/matching/match-packages-of-image.ts';
import type { Scan } from '../upgrades/matching/scan.ts';
import { summarise } from '../upgrades/matching/summarise.ts';
import { ensurePackages } from '../upgrades/pool/ensure-packages.ts';
import type { SkippedSource } from '../upgrades/repository-snapshot.ts';
import { type UsedRepository, usedRepositories } from '../upgrades/used-repositories.ts';
import type { PackageFile } from '../upgrades/types.ts';
import { withWorkDirectory } from '../upgrades/with-work-directory.ts';
import { type SourceOptions, sourcesOf } from './sources.ts';

export { reachesGate } from '../upgrades/matching/reaches-gate.ts';

export interface ScanRequest extends SourceOptions {
  readonly image: ImageRequest;
  /** Read the changelogs of the packages that an upgrade would bring. They are fetched into the pool. */
  readonly changelogs: boolean;
  /** Take repositories that nobody signed, of images without a solver. */
  readonly allowUnsigned: boolean;
  readonly display: PhaseDisplay;
  readonly signal: AbortSignal;
}

/** What became of one image of several. */
export type ScanAnswer =
  | { readonly path: string; readonly scan: Scan; readonly error?: undefined }
  | { readonly path: string; readonly error: ColdpatchError };

/** Scans images one after the other; one that cannot be compared does not stop the others. */
export async function* scanImages(
  config: Config,
  paths: readonly string[],
  request: ScanRequest,
): AsyncGenerator<ScanAnswer, undefined> {
  for (const path of paths) {
    try {
      yield { path, scan: await scanImage(config, { ...request, image: { ...request.image, path } }) };
    } catch (error) {
      if (!(error instanceof ColdpatchError) || error.code === 'interrupted') throw error;
      yield { path, error };
    }
  }
}

/** `coldpatch scan`: compares an image with the upgrade information, and changes nothing. */
async function scanImage(config: Config, request: ScanRequest): Promise<Scan> {
  const phases = createPhases({ display: request.display, now: () => performance.now() });
  const { image, solved } = await phases.run('inspect', () => examineForScan(request.image));
  const comparison: Comparison = { config, request, phases };
  try {
    const published = await phases.run('plan', () =>
      withWorkDirectory(config.cacheDirectory, (workDirectory) => {
        const access: Access = {
          workDirectory,
          clock: () => new Date(),
          onProgress: (progress) => {
            if (progress.step === 'repositories') {
              phases.progress(progress.done / progress.total, progress.detail);
            }
          },
          signal: request.signal,
        };
        return solved
          ? publishedBySolver(image, access, comparison)
          : publishedByOrder(image, access, comparison);
      }),
    );
    return await compare(image, published, comparison);
  } finally {
    image.close();
  }
}

interface Comparison {
  readonly config: Config;
  readonly request: ScanRequest;
  readonly phases: Phases;
}

type Access = Omit<ImageUpgradeOptions, 'sources'>;

/** What is published for an image, however it was found out. */
interface Published {
  readonly arrivals: readonly PublishedUpgrade[];
  /** Of the arrivals that the solver chose a file for. */
  readonly files: readonly PackageFile[];
  readonly unknown: readonly Unknown[];
  readonly repositories: readonly UsedRepository[];
  readonly versioning: Versioning;
}

async function publishedBySolver(
  image: ExaminedImage,
  access: Access,
  { config, request }: Comparison,
): Promise<Published> {
  const upgrades = await findImageUpgrades(image, { ...access, sources: sourcesOf(config, request) });
  const arrivals = upgrades.changes.filter((change) => change.to !== null);
  return {
    arrivals,
    files: arrivals.map(({ file }) => file),
    unknown: [
      ...upgrades.keptBack.map(({ name, architecture, candidate, reason }) => ({
        where: `${name}:${architecture}`,
        detail: `${candidate} is published, and an upgrade would not install it: ${reason}`,
      })),
      ...upgrades.skipped.map(notAsked),
    ],
    repositories: usedRepositories(upgrades.snapshot),
    versioning: versioningOfManager('dpkg'),
  };
}

async function publishedByOrder(
  { database, tree, operatingSystem }: ExaminedSystem,
  access: Access,
  { config, request }: Comparison,
): Promise<Published> {
  const { manager, packages } = database;
  const found = await findNewer(manager, {
    ...access,
    ...sourcesOf(config, request),
    allowUnsigned: request.allowUnsigned,
    tree,
    operatingSystem,
    installed: packages,
  });
  return {
    arrivals: found.newer,
    files: [],
    unknown: [
      {
        where: 'upgrade',
        detail: `packages of ${manager} were compared by their versions alone: whether the newer ones can be installed together was not solved`,
      },
      {
        where: 'changes',
        detail: `packages of ${manager} do not tell what their upgrade fixes: only advisories can`,
      },
      ...found.doubts.map(({ where, reason }) => ({ where, detail: reason })),
      ...found.skipped.map(notAsked),
    ],
    repositories: found.repositories,
    versioning: versioningOfManager(manager),
  };
}

function notAsked({ where, reason }: SkippedSource): Unknown {
  return { where, detail: `not asked: ${reason}` };
}

async function compare(
  { database, inspection, operatingSystem }: ExaminedSystem,
  published: Published,
  comparison: Comparison,
): Promise<Scan> {
  const changelogs = comparison.request.changelogs
    ? await readChangelogs(published.files, comparison)
    : undefined;
  const { cacheDirectory } = comparison.config;
  const installed = database.packages.map(matchable);
  const now = new Date();
  const support = await supportPeriod(operatingSystem, now);
  return comparison.phases.run('match', () =>
    consultAdvisories({ cacheDirectory, operatingSystem, packages: installed }, (advisories) => {
      const packages = matchPackagesOfImage({
        installed,
        arrivals: published.arrivals,
        changelogs,
        advisories,
        versioning: published.versioning,
      });
      return {
        schema: 1,
        image: inspection.image.path,
        scannedAt: now.toISOString(),
        operatingSystem,
        support,
        packages,
        summary: summarise(packages),
        unknown: [...advisories.unknown, ...published.unknown],
        repositories: published.repositories,
        feeds: advisories.feeds,
        gaps: inspection.gaps,
      };
    }),
  );
}

/** A package whose records do not name its source is its own. */
function matchable(entry: RecordedPackage): InstalledForMatching {
  return { ...entry, source: entry.source ?? { name: entry.name, version: entry.version } };
}

async function readChangelogs(wanted: readonly PackageFile[], { config, request, phases }: Comparison) {
  const files = await phases.run('packages', () =>
    ensurePackages(wanted, {
      cacheDirectory: config.cacheDirectory,
      allowHostFiles: request.repositories !== undefined,
      onProgress: (done, total) => phases.progress(total === 0 ? 1 : done / total, ''),
      clock: () => new Date(),
      signal: request.signal,
    }),
  );
  return phases.run('changelogs', () =>
    packageChangelogs(files, {
      cacheDirectory: config.cacheDirectory,
      onProgress: (done, total) => phases.progress(done / total, ''),
      signal: request.signal,
    }),
  );
}
