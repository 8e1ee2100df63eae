import { severities } from '../advisories/types.ts';
import type { PackageExposure, Vulnerability } from './exposure.ts';

/** What stops a pipeline: anything at all, a severity and all above it, or what is known to be exploited. */
export const gates = ['any', ...severities, 'kev'] as const;

export type Gate = (typeof gates)[number];

export interface GateInput {
  readonly packages: readonly PackageExposure[];
  /** A list of exploited vulnerabilities was imported. Without one, `kev` cannot be answered. */
  readonly exploitedKnown: boolean;
}

/**
 * Whether `gate` is reached. What is not known counts as bad as it can be: a vulnerability without a severity reaches
 * every gate of severity, and so does a package whose changes could not be read.
 */
export function reachesGate(gate: Gate, { packages, exploitedKnown }: GateInput): boolean {
  if (packages.some(({ changesKnown }) => !changesKnown)) return true;
  if (gate === 'any') return packages.length > 0;
  const found = packages.flatMap(({ vulnerabilities }) => vulnerabilities);
  if (gate === 'kev') return exploitedKnown ? found.some(isExploited) : found.length > 0;
  const least = severities.indexOf(gate);
  return found.some(({ severity }) => severity === 'unknown' || severities.indexOf(severity) >= least);
}

function isExploited({ exploitedSince }: Vulnerability): boolean {
  return exploitedSince !== null;
}
