import type { Versioning } from '../../guest/versioning/types.ts';
import type { Finding, MatchablePackage, Provenance, VulnerabilityFact } from '../advisories/types.ts';
import { fixesSince } from '../changelogs/fixes-since.ts';
import type { ChangelogEntry } from '../changelogs/parse-changelog.ts';
import { byUrgency } from './by-urgency.ts';
import type { PackageExposure, Remedy, Vulnerability } from './exposure.ts';

export interface InstalledForMatching extends MatchablePackage {
  readonly architecture: string;
}

/** What imported advisories say. */
export interface AdvisoryKnowledge {
  readonly findingsOf: (entry: MatchablePackage) => readonly Finding[];
  readonly factOf: (vulnerability: string) => VulnerabilityFact | undefined;
}

/** What an upgrade would bring; without a file where nobody chose one. */
export interface PublishedUpgrade {
  readonly name: string;
  readonly architecture: string;
  /** Null for a package that is not installed. */
  readonly from: string | null;
  readonly to: string;
  readonly file?: { readonly sha256: string };
}

export interface MatchInput {
  readonly installed: readonly InstalledForMatching[];
  /** What an upgrade would bring. */
  readonly arrivals: readonly PublishedUpgrade[];
  /** Of the arriving packages, by their SHA-256; undefined when they were not read. */
  readonly changelogs: ReadonlyMap<string, readonly ChangelogEntry[]> | undefined;
  readonly advisories: AdvisoryKnowledge;
  readonly versioning: Versioning;
}

const remedies: Readonly<Record<Finding['status'], Remedy>> = {
  fixed: 'fix-published',
  open: 'no-fix-published',
  'will-not-fix': 'no-fix-will-come',
  'under-investigation': 'unknown',
};

/** The packages of an image that lag or are vulnerable, the most urgent first. */
export function matchPackagesOfImage(input: MatchInput): readonly PackageExposure[] {
  const { installed, arrivals, changelogs = new Map<string, readonly ChangelogEntry[]>() } = input;
  const upgrades = new Map(
    arrivals.map((arrival) => [keyOf({ ...arrival, version: arrival.from ?? '' }), arrival]),
  );
  // Packages of one source change together, and often only one of them brings the changelog.
  const bySource = new Map([...changelogs.values()].map((entries) => [entries[0]?.source, entries]));
  return installed
    .flatMap((entry): readonly PackageExposure[] => {
      const arrival = upgrades.get(keyOf(entry));
      const changelog = arrival && changelogOf(arrival, entry);
      const { changesKnown, lagsSince, vulnerabilities } = vulnerabilitiesOf(entry, changelog, input);
      if (arrival === undefined && vulnerabilities.length === 0) return [];
      return [
        {
          name: entry.name,
          architecture: entry.architecture,
          manager: entry.manager,
          installed: entry.version,
          source: entry.source.name,
          available: arrival?.to ?? null,
          lagsSince,
          changesKnown: arrival === undefined || changesKnown,
          vulnerabilities: vulnerabilities.toSorted(byUrgency),
        },
      ];
    })
    .toSorted(byWorstVulnerability);

  function changelogOf({ file }: PublishedUpgrade, { source }: InstalledForMatching) {
    return (file && changelogs.get(file.sha256)) ?? bySource.get(source.name);
  }
}

/** The version, too: of a package that is installed in several versions only the newest lags. */
function keyOf(entry: Pick<InstalledForMatching, 'name' | 'architecture' | 'version'>): string {
  return `${entry.name}:${entry.architecture}:${entry.version}`;
}

function vulnerabilitiesOf(
  entry: InstalledForMatching,
  changelog: readonly ChangelogEntry[] | undefined,
  { advisories, versioning }: MatchInput,
) {
  const found = new Map(
    advisories.findingsOf(entry).map((finding) => [finding.vulnerability, vulnerabilityOf(finding)]),
  );
  const fixes = changelog && fixesSince(changelog, entry.source.version, versioning);
  for (const [id, { source, version, publishedAt }] of fixes?.fixedIn ?? []) {
    const { exploitedSince, exploitProbability, severity, summary } = advisories.factOf(id) ?? {};
    const known = found.get(id);
    found.set(id, {
      id,
      severity: known?.severity ?? severity ?? 'unknown',
      exploitedSince: known?.exploitedSince ?? exploitedSince ?? null,
      exploitProbability: known?.exploitProbability ?? exploitProbability ?? null,
      remedy: 'fix-published',
      fixedVersion: known?.fixedVersion ?? version,
      fixedAt: publishedAt,
      summary: known?.summary ?? summary ?? null,
      note: known?.remedy === 'fix-published' ? known.note : null,
      statedBy: [...(known?.statedBy ?? []), `changelog of ${source} ${version}`],
    });
  }
  return {
    changesKnown: fixes?.reachesInstalled === true,
    lagsSince: fixes?.lagsSince ?? null,
    vulnerabilities: [...found.values()],
  };

  function vulnerabilityOf(finding: Finding): Vulnerability {
    return {
      id: finding.vulnerability,
      severity: finding.severity,
      exploitedSince: finding.exploitedSince ?? null,
      exploitProbability: finding.exploitProbability ?? null,
      remedy: remedies[finding.status],
      fixedVersion: finding.fixedVersion ?? null,
      fixedAt: null,
      summary: advisories.factOf(finding.vulnerability)?.summary ?? null,
      note: finding.note ?? null,
      statedBy: finding.provenance.map((provenance) => printProvenance(provenance)),
    };
  }
}

/** `debian-tracker from FILE (sha256 0123456789ab)`. */
export function printProvenance({ format, source, digest }: Provenance): string {
  return `${format} from ${source} (sha256 ${digest.slice(0, 12)})`;
}

function byWorstVulnerability(one: PackageExposure, other: PackageExposure): number {
  const [a] = one.vulnerabilities;
  const [b] = other.vulnerabilities;
  const worst = a && b ? byUrgency(a, b) : Number(b !== undefined) - Number(a !== undefined);
  return (
    worst ||
    other.vulnerabilities.length - one.vulnerabilities.length ||
    (one.name < other.name ? -1 : Number(one.name > other.name))
  );
}
