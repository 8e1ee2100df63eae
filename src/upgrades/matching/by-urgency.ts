import type { Severity } from '../advisories/types.ts';
import type { Vulnerability } from './exposure.ts';

/** `unknown` stands before `low`: it may be anything. */
export const severityRank: Readonly<Record<Severity, number>> = {
  low: 0,
  unknown: 1,
  medium: 2,
  high: 3,
  critical: 4,
};

/** An order with the most urgent first: known exploited, then severity, then likelihood, then the newest number. */
export function byUrgency(
  one: Pick<Vulnerability, 'id' | 'severity' | 'exploitedSince' | 'exploitProbability'>,
  other: Pick<Vulnerability, 'id' | 'severity' | 'exploitedSince' | 'exploitProbability'>,
): number {
  return (
    Number(other.exploitedSince !== null) - Number(one.exploitedSince !== null) ||
    severityRank[other.severity] - severityRank[one.severity] ||
    (other.exploitProbability ?? 0) - (one.exploitProbability ?? 0) ||
    other.id.localeCompare(one.id, 'en', { numeric: true })
  );
}
