import type { OperatingSystem } from '../../guest/types.ts';
import { openAdvisoryStore } from '../advisories/advisory-store.ts';
import { createPackageMatcher } from '../advisories/match-packages.ts';
import type { MatchablePackage, Provenance } from '../advisories/types.ts';
import type { Unknown } from './exposure.ts';
import type { AdvisoryKnowledge } from './match-packages-of-image.ts';

export interface Consultation extends AdvisoryKnowledge {
  readonly feeds: readonly Provenance[];
  /** What the feeds leave open about the system as a whole. */
  readonly unknown: readonly Unknown[];
}

export interface ConsultOptions {
  /** Imported advisories are kept there. */
  readonly cacheDirectory: string;
  readonly operatingSystem: OperatingSystem;
  readonly packages: readonly MatchablePackage[];
}

/** Lets `use` ask what imported advisories say of the packages of one image. */
export function consultAdvisories<Result>(
  { cacheDirectory, operatingSystem, packages }: ConsultOptions,
  use: (consultation: Consultation) => Result,
): Result {
  const store = openAdvisoryStore({ cacheDirectory, now: () => new Date() });
  try {
    const { coverage, matches } = createPackageMatcher(store).match(operatingSystem, packages);
    const findings = new Map(matches.map((match) => [match.package, match.findings]));
    const release = operatingSystem.versionCodename || operatingSystem.versionId;
    const detail =
      `none of the imported advisories speaks of ${operatingSystem.id} ${release}: how severe something is, ` +
      'and what has no fix, is not known. Import some with "coldpatch advisories import".';
    return use({
      findingsOf: (entry) => findings.get(entry) ?? [],
      factOf: (vulnerability) => store.factOf(vulnerability),
      feeds: store
        .feeds()
        .map(({ format, source, digest, importedAt }) => ({ format, source, digest, importedAt })),
      unknown: coverage ? [] : [{ where: 'advisories', detail }],
    });
  } finally {
    store.close();
  }
}
