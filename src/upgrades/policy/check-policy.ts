import { severities } from '../advisories/types.ts';
import type { PackageExposure, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';
import type { Policy, PolicyRule } from './policy-schema.ts';

/** Something about an image that a rule does not allow. */
export interface Violation {
  /** Name of the rule. */
  readonly rule: string;
  /** Null when it concerns the whole image. */
  readonly package: string | null;
  readonly vulnerability: string | null;
  /** Days since when it could have been repaired; null when that is not known, which counts as too long. */
  readonly days: number | null;
  readonly detail: string;
}

interface Touched {
  readonly entry: PackageExposure;
  readonly vulnerability?: Vulnerability;
  /** Since when it could have been repaired (ISO 8601). */
  readonly since: string | null;
}

const dayMilliseconds = 24 * 60 * 60 * 1000;

/** What of an image breaks the rules of a policy. What is not known counts as broken, never as kept. */
export function checkPolicy(policy: Policy, scan: Scan, now: Date): readonly Violation[] {
  return policy.rules.flatMap((rule): readonly Violation[] => {
    if (rule.about === 'support') return checkSupport(rule, scan);
    return [...checkKnowledge(rule, scan), ...checkDelay(rule, policy, scan, now)];
  });
}

function checkSupport(rule: PolicyRule & { about: 'support' }, { support }: Scan): readonly Violation[] {
  if (rule.allow.some((status) => status === support.status)) return [];
  const detail = `support is ${support.status}${support.until === null ? '' : ` (${support.until})`}`;
  return [{ rule: rule.name, package: null, vulnerability: null, days: null, detail }];
}

/** Without a list of exploited vulnerabilities, none is found to be exploited. */
function checkKnowledge(rule: PolicyRule, { feeds, packages }: Scan): readonly Violation[] {
  if (rule.about !== 'exploited' || feeds.some(({ format }) => format === 'cisa-kev')) return [];
  if (packages.every(({ vulnerabilities }) => vulnerabilities.length === 0)) return [];
  const detail = 'which vulnerabilities are exploited is not known: import such a list (cisa-kev)';
  return [{ rule: rule.name, package: null, vulnerability: null, days: null, detail }];
}

function checkDelay(
  rule: Exclude<PolicyRule, { about: 'support' }>,
  policy: Policy,
  { packages }: Scan,
  now: Date,
): readonly Violation[] {
  return packages
    .flatMap((entry) => touchedBy(rule, entry))
    .filter((touched) => !isExcepted(policy, touched, now))
    .map(({ entry, vulnerability, since }) => {
      const days = since === null ? null : (now.getTime() - Date.parse(since)) / dayMilliseconds;
      return {
        rule: rule.name,
        package: entry.name,
        vulnerability: vulnerability?.id ?? null,
        days: days === null ? null : Math.floor(days * 10) / 10,
        detail: `${entry.installed} is installed, ${describeRepair(entry, vulnerability)}`,
      };
    })
    .filter(({ days }) => days === null || days > rule.maxDays);
}

/** What a rule is about, of what can be repaired: a policy of delays says nothing of what has no fix. */
function touchedBy(
  rule: Exclude<PolicyRule, { about: 'support' }>,
  entry: PackageExposure,
): readonly Touched[] {
  if (rule.about === 'lag') return entry.available === null ? [] : [{ entry, since: entry.lagsSince }];
  const repairable = entry.vulnerabilities.filter(({ remedy }) => remedy === 'fix-published');
  const unread = entry.changesKnown ? [] : [{ entry, since: null }];
  if (rule.about === 'exploited') {
    const exploited = repairable.flatMap((vulnerability): Touched[] => {
      const { exploitedSince, fixedAt } = vulnerability;
      return exploitedSince === null
        ? []
        : [{ entry, vulnerability, since: fixedAt && laterOf(fixedAt, exploitedSince) }];
    });
    return [...unread, ...exploited];
  }
  const least = severities.indexOf(rule.atLeast);
  const severe = repairable.filter(
    ({ severity }) => severity === 'unknown' || severities.indexOf(severity) >= least,
  );
  return [
    ...unread,
    ...severe.map((vulnerability) => ({ entry, vulnerability, since: vulnerability.fixedAt })),
  ];
}

function laterOf(one: string, other: string): string {
  return Date.parse(one) > Date.parse(other) ? one : other;
}

function isExcepted({ exceptions }: Policy, { entry, vulnerability }: Touched, now: Date): boolean {
  const today = now.toISOString().slice(0, 10);
  return exceptions.some(
    (exception) =>
      today <= exception.until &&
      (exception.vulnerability !== undefined || exception.package !== undefined) &&
      (exception.vulnerability === undefined || exception.vulnerability === vulnerability?.id) &&
      (exception.package === undefined || [entry.name, entry.source].includes(exception.package)),
  );
}

function describeRepair({ available, changesKnown }: PackageExposure, vulnerability?: Vulnerability): string {
  if (vulnerability !== undefined) return `fixed in ${vulnerability.fixedVersion ?? available}`;
  return changesKnown
    ? `${available} is published`
    : `${available} is published, and what it fixes is not known`;
}
