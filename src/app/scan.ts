import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { versioningOf } from '../guest/versioning/registry.ts';
import { examineImage, type ExaminedImage, type ImageRequest } from '../patch/examine-image.ts';
import { findImageUpgrades } from '../patch/find-image-upgrades.ts';
import { createPhases, type PhaseDisplay, type Phases } from '../patch/phases.ts';
import { packageChangelogs } from '../upgrades/changelogs/package-changelogs.ts';
import { supportPeriod } from '../upgrades/lifecycle/support-period.ts';
import { consultAdvisories } from '../upgrades/matching/consult-advisories.ts';
import type { Unknown } from '../upgrades/matching/exposure.ts';
import { matchPackagesOfImage } from '../upgrades/matching/match-packages-of-image.ts';
import type { Scan } from '../upgrades/matching/scan.ts';
import { summarise } from '../upgrades/matching/summarise.ts';
import { ensurePackages } from '../upgrades/pool/ensure-packages.ts';
import { usedRepositories } from '../upgrades/used-repositories.ts';
import type { PackageArrival, UpgradeSet } from '../upgrades/types.ts';
import { type SourceOptions, sourcesOf } from './sources.ts';

export { reachesGate } from '../upgrades/matching/reaches-gate.ts';

export interface ScanRequest extends SourceOptions {
  readonly image: ImageRequest;
  /** Read the changelogs of the packages that an upgrade would bring. They are fetched into the pool. */
  readonly changelogs: boolean;
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
  const workDirectory = await mkdtemp(join(tmpdir(), 'coldpatch-scan-'));
  const image = await phases.run('inspect', () => examineImage(request.image));
  try {
    const upgrades = await phases.run('plan', () =>
      findImageUpgrades(image, {
        sources: sourcesOf(config, request),
        workDirectory,
        clock: () => new Date(),
        onProgress: (progress) => {
          if (progress.step === 'repositories')
            phases.progress(progress.done / progress.total, progress.detail);
        },
        signal: request.signal,
      }),
    );
    return await compare(image, upgrades, { config, request, phases });
  } finally {
    image.close();
    await rm(workDirectory, { recursive: true, force: true });
  }
}

interface Comparison {
  readonly config: Config;
  readonly request: ScanRequest;
  readonly phases: Phases;
}

async function compare(image: ExaminedImage, upgrades: UpgradeSet, comparison: Comparison): Promise<Scan> {
  const arrivals = upgrades.changes.filter((change) => change.to !== null);
  const changelogs = comparison.request.changelogs ? await readChangelogs(arrivals, comparison) : undefined;
  const { operatingSystem, database, inspection } = image;
  const { cacheDirectory } = comparison.config;
  const now = new Date();
  const support = await supportPeriod(operatingSystem, now);
  return comparison.phases.run('match', () =>
    consultAdvisories({ cacheDirectory, operatingSystem, packages: database.packages }, (advisories) => {
      const packages = matchPackagesOfImage({
        installed: database.packages,
        arrivals,
        changelogs,
        advisories,
        versioning: versioningOf('deb'),
      });
      return {
        schema: 1,
        image: inspection.image.path,
        scannedAt: now.toISOString(),
        operatingSystem,
        support,
        packages,
        summary: summarise(packages),
        unknown: [...advisories.unknown, ...unknownOf(upgrades)],
        repositories: usedRepositories(upgrades.snapshot),
        feeds: advisories.feeds,
        gaps: inspection.gaps,
      };
    }),
  );
}

function unknownOf({ keptBack, skipped }: UpgradeSet): readonly Unknown[] {
  return [
    ...keptBack.map(({ name, architecture, candidate, reason }) => ({
      where: `${name}:${architecture}`,
      detail: `${candidate} is published, and an upgrade would not install it: ${reason}`,
    })),
    ...skipped.map(({ where, reason }) => ({ where, detail: `not asked: ${reason}` })),
  ];
}

async function readChangelogs(arrivals: readonly PackageArrival[], { config, request, phases }: Comparison) {
  const files = await phases.run('packages', () =>
    ensurePackages(
      arrivals.map(({ file }) => file),
      {
        cacheDirectory: config.cacheDirectory,
        allowHostFiles: request.repositories !== undefined,
        onProgress: (done, total) => phases.progress(total === 0 ? 1 : done / total, ''),
        clock: () => new Date(),
        signal: request.signal,
      },
    ),
  );
  return phases.run('changelogs', () =>
    packageChangelogs(files, {
      cacheDirectory: config.cacheDirectory,
      onProgress: (done, total) => phases.progress(done / total, ''),
      signal: request.signal,
    }),
  );
}
