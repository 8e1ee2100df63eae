import { type Severity, severities } from './types.ts';

/** The worst of the grades; `unknown` when nobody graded. */
export function worstSeverity(grades: Iterable<Severity>): Severity {
  let worst = -1;
  for (const grade of grades) worst = Math.max(worst, (severities as readonly string[]).indexOf(grade));
  return severities[worst] ?? 'unknown';
}
