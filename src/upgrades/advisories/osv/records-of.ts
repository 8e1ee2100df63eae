import { cveNumbers } from '../cve-numbers.ts';
import { cvssSeverity } from '../cvss-severity.ts';
import { oneLine } from '../one-line.ts';
import { parseSeverity } from '../parse-severity.ts';
import type { AdvisoryRecord, Severity, Statement } from '../types.ts';
import { worstSeverity } from '../worst-severity.ts';
import { type EcosystemRelease, releaseOfEcosystem } from './release-of-ecosystem.ts';
import type { Affected, RangeEvent, Vulnerability } from './vulnerability-schema.ts';

type Verdict = Pick<
  Statement,
  'status' | 'fixedVersion' | 'introducedVersion' | 'lastAffectedVersion' | 'note'
>;

/** Everything that one vulnerability says of releases that we know; nothing once it is withdrawn. */
export function* recordsOf(vulnerability: Vulnerability): Generator<AdvisoryRecord> {
  if (typeof vulnerability.withdrawn === 'string') return;
  const numbers = numbersOf(vulnerability);
  const summary = oneLine(vulnerability.summary) ?? oneLine(vulnerability.details);
  const ownSeverity = severityOf(vulnerability.severity, vulnerability.database_specific);
  let isOurs = false;
  for (const affected of vulnerability.affected ?? []) {
    const target = affected.package && releaseOfEcosystem(affected.package.ecosystem);
    if (affected.package === undefined || target === undefined) continue;
    isOurs = true;
    const own = severityOf(affected.severity, affected.ecosystem_specific, affected.database_specific);
    const severity = own === 'unknown' ? ownSeverity : own;
    for (const verdict of verdictsOf(affected, target)) {
      for (const number of numbers) {
        const statement: Statement = {
          release: target.release,
          package: affected.package.name,
          packageKind: target.packageKind,
          vulnerability: number,
          severity,
          ...(isAdvisory(vulnerability.id) && number !== vulnerability.id
            ? { advisory: vulnerability.id }
            : {}),
          ...verdict,
        };
        yield { kind: 'statement', statement };
      }
    }
  }
  const [only] = numbers;
  if (!isOurs || summary === undefined || only === undefined || numbers.length > 1) return;
  yield { kind: 'fact', fact: { vulnerability: only, summary } };
}

/** `DEBIAN-CVE-2024-1` is the vulnerability itself under the distribution's name. */
function isAdvisory(id: string): boolean {
  return cveNumbers(id).length === 0;
}

/** An advisory names the vulnerabilities that it fixes as its upstream, or as related to it; older ones as aliases. */
function numbersOf({ id, aliases, upstream, related }: Vulnerability): readonly string[] {
  const own = cveNumbers(id);
  if (own.length > 0) return own;
  const named = cveNumbers([...(aliases ?? []), ...(upstream ?? [])].join(' '));
  if (named.length > 0) return named;
  const others = cveNumbers((related ?? []).join(' '));
  return others.length > 0 ? others : [id];
}

function severityOf(scores: Vulnerability['severity'], ...specifics: readonly unknown[]): Severity {
  const words = specifics.flatMap((specific) => {
    if (typeof specific !== 'object' || specific === null) return [];
    const { urgency, severity } = specific as { readonly urgency?: unknown; readonly severity?: unknown };
    return [urgency, severity].filter((word) => typeof word === 'string');
  });
  const own = worstSeverity([
    ...words.map(parseSeverity),
    ...(scores ?? []).filter(({ type }) => type === 'Ubuntu').map(({ score }) => parseSeverity(score)),
  ]);
  return own === 'unknown' ? worstSeverity((scores ?? []).map(({ score }) => cvssSeverity(score))) : own;
}

function* verdictsOf(affected: Affected, { note }: EcosystemRelease): Generator<Verdict> {
  const condition = note === undefined ? {} : { note };
  let count = 0;
  for (const { type, events } of affected.ranges ?? []) {
    if (type !== 'ECOSYSTEM') continue;
    for (const verdict of rangesOf(events)) {
      count += 1;
      yield { ...verdict, ...condition };
    }
  }
  if (count > 0) return;
  yield {
    status: 'under-investigation',
    note: 'the feed names no range of versions',
  };
}

/** Each event that introduces opens a range, which the next one that fixes or was affected last closes. */
function* rangesOf(events: readonly RangeEvent[]): Generator<Verdict> {
  let introduced: string | undefined;
  for (const event of events) {
    if (event.introduced !== undefined) {
      if (introduced !== undefined) yield { status: 'open', ...since(introduced) };
      introduced = event.introduced;
    }
    if (introduced === undefined) continue;
    if (event.fixed !== undefined) {
      yield { status: 'fixed', fixedVersion: event.fixed, ...since(introduced) };
      introduced = undefined;
    } else if (event.last_affected !== undefined) {
      yield { status: 'open', lastAffectedVersion: event.last_affected, ...since(introduced) };
      introduced = undefined;
    }
  }
  if (introduced !== undefined) yield { status: 'open', ...since(introduced) };
}

function since(version: string): Pick<Verdict, 'introducedVersion'> {
  return version === '0' ? {} : { introducedVersion: version };
}
