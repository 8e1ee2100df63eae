import type { Diagnosis } from '../machines/host/diagnose-host.ts';
import { cleanText } from './clean-text.ts';
import { printTable } from './print-table.ts';

/** What this host can do and what was left on it, for people. */
export function printDiagnosis(diagnosis: Diagnosis): string {
  const { checks, installCommand, leftovers, inUse, gaps } = diagnosis;
  const unmet = checks.filter(({ ok }) => !ok);
  const lines = [
    ...printTable(
      ['check', '', 'found'],
      checks.map((one) => [one.check, stateOf(one), one.detail]),
    ),
    ...list(
      'What to do',
      unmet.flatMap(({ check, remedy }) => (remedy === undefined ? [] : [`${check}: ${remedy}`])),
    ),
    ...list('Installs all that is missing', installCommand === null ? [] : [installCommand]),
    ...list('A run is under way on', inUse),
    ...list(
      'Could not be looked at',
      gaps.map(({ where, detail }) => `${where}: ${detail}`),
    ),
    ...list('Put in order', diagnosis.cleaned.flatMap(describeCleaned)),
    ...list(
      'Left by runs that were killed (coldpatch doctor --clean puts it in order)',
      leftovers.map(({ kind, path, image }) => `${kind.replaceAll('_', ' ')} ${path} (of ${image})`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function stateOf({ ok, required }: Diagnosis['checks'][number]): string {
  if (ok) return 'ok';
  return required ? 'MISSING' : 'note';
}

function describeCleaned({
  image,
  detached,
  settlement,
  removed,
  problem,
}: Diagnosis['cleaned'][number]): readonly string[] {
  return [
    ...(settlement === undefined ? [] : [`${image}: its replacement is ${settlement.replaceAll('_', ' ')}`]),
    ...[...detached, ...removed].map((path) => `${image}: removed ${path}`),
    ...(problem === undefined ? [] : [`${image}: not to the end: ${problem}`]),
  ];
}

function list(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : ['', `${title}:`, ...items.map((item) => `  ${cleanText(item)}`)];
}
