import type { StoredStatement } from './advisory-store.ts';
import { type CompareVersions, judgeStatement, type Verdict } from './judge-statement.ts';
import { oneLine } from './one-line.ts';
import type { Finding, Provenance, Severity, VulnerabilityFact } from './types.ts';
import { worstSeverity } from './worst-severity.ts';

/** A statement, and the installed version of the package that it names. */
export interface ApplicableStatement extends StoredStatement {
  readonly installed: string;
}

interface Judged extends StoredStatement {
  readonly verdict: Verdict;
}

/** What one feed says, all its statements together. */
interface FeedVerdict {
  readonly provenance: Provenance;
  readonly verdict: Verdict;
}

/** Worst first within what one source says: it may speak of several ranges, and one that holds is enough. */
const worst: readonly Verdict['state'][] = ['fixable', 'will-not-fix', 'open', 'unclear', 'clean'];

/**
 * What all statements of one vulnerability mean together for one installed version.
 *
 * A distribution's own feed decides before OSV does. A fix that has a version decides before "open" does,
 * and "not affected" only where no other feed of the distribution says otherwise.
 *
 * @param statements at least one, of one vulnerability.
 * @param findFact called only when there is something to say.
 * @returns undefined when the version is clean.
 */
export function mergeStatements(
  statements: readonly ApplicableStatement[],
  compare: CompareVersions,
  findFact: () => VulnerabilityFact | undefined,
): Finding | undefined {
  const judged = statements.map(({ statement, provenance, installed }) => ({
    statement,
    provenance,
    verdict: judgeStatement(statement, installed, compare),
  }));
  if (judged.every(({ verdict }) => verdict.state === 'clean')) return undefined;
  const feeds = [...Map.groupBy(judged, ({ provenance }) => provenance)].map(
    ([provenance, said]): FeedVerdict => ({
      provenance,
      verdict: latestFix(said, compare) ?? worstOf(said) ?? { state: 'unclear' },
    }),
  );
  const own = feeds.filter(({ provenance }) => provenance.format !== 'osv');
  const others = feeds.filter(({ provenance }) => provenance.format === 'osv');
  const verdict = decide(own, others, compare);
  if (verdict.state === 'clean') return undefined;
  const fact = findFact();
  const [{ vulnerability }] = judged.map(({ statement }) => statement) as [StoredStatement['statement']];
  const notes = judged
    .filter((one) => one.verdict.state !== 'clean')
    .flatMap(({ statement, verdict: its }) => [
      statement.note,
      its.state === 'unclear' ? its.why : undefined,
    ]);
  const note = oneLine([...new Set(notes.filter((one) => one !== undefined))].join('; '));
  return {
    vulnerability,
    ...statusOf(verdict),
    severity: severityOf(judged, fact),
    ...(fact?.exploitedSince === undefined ? {} : { exploitedSince: fact.exploitedSince }),
    ...(fact?.exploitProbability === undefined ? {} : { exploitProbability: fact.exploitProbability }),
    advisories: [...new Set(judged.flatMap(({ statement }) => statement.advisory ?? []))].toSorted(),
    ...(note === undefined ? {} : { note }),
    provenance: provenancesOf(judged),
  };
}

/** OSV is asked only for what the distribution's own feeds leave open. */
function decide(
  own: readonly FeedVerdict[],
  others: readonly FeedVerdict[],
  compare: CompareVersions,
): Verdict {
  const first = decideAmong(own, compare);
  const second = decideAmong(others, compare);
  if (first === undefined || second === undefined) return first ?? second ?? { state: 'unclear' };
  if (first.state === 'fixable' || first.state === 'clean') return first;
  const brings = second.state === 'fixable' || (second.state === 'clean' && second.by === 'fix');
  return brings && own.every(isCompared) ? second : first;
}

function decideAmong(
  feeds: readonly Pick<Judged, 'verdict'>[],
  compare: CompareVersions,
): Verdict | undefined {
  const fix = latestFix(feeds, compare);
  if (fix !== undefined) return fix;
  const verdicts = feeds.map(({ verdict }) => verdict);
  const installed = verdicts.find((verdict) => verdict.state === 'clean' && verdict.by === 'fix');
  return installed !== undefined && feeds.every(isCompared) ? installed : worstOf(feeds);
}

/** A version that could not be compared with one feed's is not clean because another feed's is easier to read. */
function isCompared({ verdict }: Pick<Judged, 'verdict'>): boolean {
  return verdict.state !== 'unclear' || verdict.why === undefined;
}

function worstOf(judged: readonly Pick<Judged, 'verdict'>[]): Verdict | undefined {
  const order = (verdict: Verdict): number => worst.indexOf(verdict.state);
  return judged.map(({ verdict }) => verdict).toSorted((one, other) => order(one) - order(other))[0];
}

/** Of several fixes the newest: with it the machine has the others too. */
function latestFix(feeds: readonly Pick<Judged, 'verdict'>[], compare: CompareVersions): Verdict | undefined {
  return feeds
    .map(({ verdict }) => verdict)
    .filter((verdict) => verdict.state === 'fixable')
    .toSorted((one, other) => compare?.(other.fixedVersion, one.fixedVersion) ?? 0)[0];
}

function statusOf(verdict: Exclude<Verdict, { state: 'clean' }>): Pick<Finding, 'status' | 'fixedVersion'> {
  if (verdict.state === 'fixable') return { status: 'fixed', fixedVersion: verdict.fixedVersion };
  return { status: verdict.state === 'unclear' ? 'under-investigation' : verdict.state };
}

/** The distribution's own grade, else OSV's, else anybody's. */
function severityOf(judged: readonly Judged[], fact: VulnerabilityFact | undefined): Severity {
  const gradeOf = (isOwn: boolean): Severity =>
    worstSeverity(
      judged
        .filter(({ provenance }) => (provenance.format !== 'osv') === isOwn)
        .map(({ statement }) => statement.severity),
    );
  const grades = [gradeOf(true), gradeOf(false), fact?.severity ?? 'unknown'];
  return grades.find((grade) => grade !== 'unknown') ?? 'unknown';
}

function provenancesOf(judged: readonly Judged[]): readonly Provenance[] {
  return [...new Set(judged.map(({ provenance }) => provenance))];
}
