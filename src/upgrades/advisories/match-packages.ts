import { versioningOfManager } from '../../guest/versioning/registry.ts';
import type { AdvisoryStore, StoredStatement } from './advisory-store.ts';
import { mergeStatements } from './merge-statements.ts';
import { type ReleaseNames, releaseIdsOf } from './release-ids-of.ts';
import { type Finding, type MatchablePackage, severities } from './types.ts';

export interface PackageMatch {
  readonly package: MatchablePackage;
  /** At least one; known exploited first, then by severity and number. */
  readonly findings: readonly Finding[];
}

export interface MatchResult {
  /** Some feed speaks of this release; without one its packages are unknown, which is not clean. */
  readonly coverage: boolean;
  /** Packages that something touches, in the order in which they were given. */
  readonly matches: readonly PackageMatch[];
}

/** Holds installed packages against everything that is stored. What it found for one image it remembers for the next. */
export interface PackageMatcher {
  /** Packages of one image, of a system as its os-release names it. */
  match(operatingSystem: ReleaseNames, packages: readonly MatchablePackage[]): MatchResult;
}

/** How much is remembered: packages in one version, and what was found for all of them, some 300 bytes each. */
const rememberedPackages = 50_000;
const rememberedFindings = 250_000;

export function createPackageMatcher(store: AdvisoryStore): PackageMatcher {
  const remembered = new Map<string, readonly Finding[]>();
  let count = 0;
  let version: number | undefined;

  function remember(key: string, findings: readonly Finding[]): void {
    if (count > rememberedFindings || remembered.size >= rememberedPackages) forget();
    count += findings.length;
    remembered.set(key, findings);
  }

  function forget(): void {
    remembered.clear();
    count = 0;
  }

  return {
    match(operatingSystem, packages) {
      return store.snapshot(() => {
        const now = store.version();
        if (now !== version) {
          forget();
          version = now;
        }
        const releases = releaseIdsOf(operatingSystem);
        const matches: PackageMatch[] = [];
        for (const one of packages) {
          const key = [
            releases,
            one.manager,
            one.name,
            one.version,
            one.source.name,
            one.source.version,
          ].join('\n');
          let findings = remembered.get(key);
          if (findings === undefined) {
            findings = findingsOf(store, releases, one);
            remember(key, findings);
          }
          if (findings.length > 0) matches.push({ package: one, findings });
        }
        return { coverage: releases.some((release) => store.knowsRelease(release)), matches };
      });
    },
  };
}

function findingsOf(
  store: AdvisoryStore,
  releases: readonly string[],
  { manager, name, version, source }: MatchablePackage,
): readonly Finding[] {
  const { compare } = versioningOfManager(manager);
  const stored = (packageName: string, kind: 'source' | 'binary'): readonly StoredStatement[] =>
    releases
      .flatMap((release) => store.statementsOf(release, packageName))
      .filter(({ statement }) => statement.packageKind === kind);
  const statements = [
    ...stored(source.name, 'source').map((one) => ({ ...one, installed: source.version })),
    ...stored(name, 'binary').map((one) => ({ ...one, installed: version })),
  ];
  const findings: Finding[] = [];
  for (const ofOne of Map.groupBy(statements, ({ statement }) => statement.vulnerability).values()) {
    const vulnerability = (ofOne[0] as StoredStatement).statement.vulnerability;
    const finding = mergeStatements(ofOne, compare, () => store.gradeOf(vulnerability));
    if (finding !== undefined) findings.push(finding);
  }
  return findings.toSorted(byUrgency);
}

function byUrgency(one: Finding, other: Finding): number {
  const rank = ({ exploitedSince, severity }: Finding): number =>
    (exploitedSince === undefined ? 0 : 100) + (severities as readonly string[]).indexOf(severity);
  return rank(other) - rank(one) || one.vulnerability.localeCompare(other.vulnerability, 'en');
}
