import type { Severity } from './types.ts';

const severityOfWord: ReadonlyMap<string, Severity> = new Map([
  ['unimportant', 'low'],
  ['negligible', 'low'],
  ['minor', 'low'],
  ['low', 'low'],
  ['moderate', 'medium'],
  ['medium', 'medium'],
  ['important', 'high'],
  ['high', 'high'],
  ['critical', 'critical'],
]);

/** The severity that a distribution's own word stands for, whatever its case; `unknown` for a word that grades nothing. */
export function parseSeverity(word: string | undefined): Severity {
  return severityOfWord.get(word?.toLowerCase().replace(/\*+$/, '') ?? '') ?? 'unknown';
}
