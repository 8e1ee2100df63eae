import type { Severity } from '../advisories/types.ts';
import type { ExposureSummary, PackageExposure, Vulnerability } from './exposure.ts';
import { severityRank } from './by-urgency.ts';

/** Counts each vulnerability once, however many packages have it, with the worst that is said of it. */
export function summarise(packages: readonly PackageExposure[]): ExposureSummary {
  const worst = new Map<string, Vulnerability>();
  for (const vulnerability of packages.flatMap(({ vulnerabilities }) => vulnerabilities)) {
    const known = worst.get(vulnerability.id);
    if (known === undefined || severityRank[vulnerability.severity] > severityRank[known.severity])
      worst.set(vulnerability.id, vulnerability);
  }
  const all = [...worst.values()];
  const count = (severity: Severity): number => all.filter((entry) => entry.severity === severity).length;
  return {
    lagging: packages.filter(({ available }) => available !== null).length,
    vulnerabilities: {
      total: all.length,
      exploited: all.filter(({ exploitedSince }) => exploitedSince !== null).length,
      critical: count('critical'),
      high: count('high'),
      medium: count('medium'),
      low: count('low'),
      unknown: count('unknown'),
    },
  };
}
