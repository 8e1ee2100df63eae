import type { Severity } from './types.ts';

const impactWeights: Readonly<Record<string, number>> = { H: 0.56, L: 0.22, N: 0 };
const vectorWeights: Readonly<Record<string, number>> = { N: 0.85, A: 0.62, L: 0.55, P: 0.2 };
const complexityWeights: Readonly<Record<string, number>> = { L: 0.77, H: 0.44 };
const interactionWeights: Readonly<Record<string, number>> = { N: 0.85, R: 0.62 };
const privilegeWeights: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  U: { N: 0.85, L: 0.62, H: 0.27 },
  C: { N: 0.85, L: 0.68, H: 0.5 },
};
const longestVector = 300;

/** The grade of the base score of a CVSS 3.0 or 3.1 vector (section 7.1 of its specification); `unknown` for anything else. */
export function cvssSeverity(vector: string): Severity {
  if (vector.length > longestVector || !/^CVSS:3\.[01]\//.test(vector)) return 'unknown';
  const metrics = new Map(
    vector
      .split('/')
      .slice(1)
      .map((metric) => metric.split(':', 2) as [string, string]),
  );
  const weigh = (name: string, weights: Readonly<Record<string, number>> | undefined): number =>
    weights?.[metrics.get(name) ?? ''] ?? Number.NaN;
  const isChanged = metrics.get('S') === 'C';
  const remaining =
    (1 - weigh('C', impactWeights)) * (1 - weigh('I', impactWeights)) * (1 - weigh('A', impactWeights));
  const base = 1 - remaining;
  const impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 : 6.42 * base;
  const exploitability =
    8.22 *
    weigh('AV', vectorWeights) *
    weigh('AC', complexityWeights) *
    weigh('PR', privilegeWeights[metrics.get('S') ?? '']) *
    weigh('UI', interactionWeights);
  if (Number.isNaN(impact) || Number.isNaN(exploitability)) return 'unknown';
  if (impact <= 0) return 'unknown';
  return gradeOf(roundUp(Math.min((isChanged ? 1.08 : 1) * (impact + exploitability), 10)));
}

/** To one decimal, upwards, without the errors of binary fractions (appendix A). */
function roundUp(score: number): number {
  const scaled = Math.round(score * 100_000);
  return scaled % 10_000 === 0 ? scaled / 100_000 : (Math.floor(scaled / 10_000) + 1) / 10;
}

function gradeOf(score: number): Severity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  return score >= 4 ? 'medium' : 'low';
}
