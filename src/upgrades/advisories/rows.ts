/** How the tables of the database of advisories are read back; we alone wrote them. */
import type { Feed } from './feed.ts';
import type { AdvisoryFormatId, AdvisoryStatus, Severity, Statement, VulnerabilityFact } from './types.ts';
import { worstSeverity } from './worst-severity.ts';

type Row = Readonly<Record<string, unknown>>;

export interface FeedRow {
  readonly format: string;
  readonly source: string;
  readonly revision: number;
  readonly digest: string;
  readonly etag: string | null;
  readonly imported_at: string;
  readonly checked_at: string;
  readonly statements: number;
  readonly facts: number;
}

export function feedOf(row: FeedRow): Feed {
  return {
    format: row.format as AdvisoryFormatId,
    source: row.source,
    revision: row.revision,
    digest: row.digest,
    ...(row.etag === null ? {} : { etag: row.etag }),
    importedAt: row.imported_at,
    checkedAt: row.checked_at,
    statements: row.statements,
    facts: row.facts,
  };
}

export function statementOf(row: Row, release: string, packageName: string): Statement {
  return {
    release,
    package: packageName,
    packageKind: row['package_kind'] as Statement['packageKind'],
    vulnerability: row['vulnerability'] as string,
    ...optional('advisory', row['advisory']),
    status: row['status'] as AdvisoryStatus,
    ...optional('fixedVersion', row['fixed_version']),
    ...optional('introducedVersion', row['introduced_version']),
    ...optional('lastAffectedVersion', row['last_affected_version']),
    severity: row['severity'] as Severity,
    ...optional('note', row['note']),
  };
}

/** @param rows newest feed first: the first word counts, the earliest exploitation, and the worst severity. */
export function mergeFacts(vulnerability: string, rows: readonly Row[]): VulnerabilityFact | undefined {
  if (rows.length === 0) return undefined;
  const first = (column: string): unknown => rows.map((row) => row[column]).find((value) => value !== null);
  const days = rows.map((row) => row['exploited_since'] as string | null).filter((day) => day !== null);
  const probability = first('exploit_probability');
  const severity = worstSeverity(rows.map((row) => (row['severity'] ?? 'unknown') as Severity));
  return {
    vulnerability,
    ...(severity === 'unknown' ? {} : { severity }),
    ...optional('summary', first('summary')),
    ...optional('exploitedSince', days.toSorted()[0]),
    ...(typeof probability === 'number' ? { exploitProbability: probability } : {}),
  };
}

function optional<K extends string>(key: K, value: unknown): { readonly [name in K]?: string } {
  return (typeof value === 'string' ? { [key]: value } : {}) as { readonly [name in K]?: string };
}
