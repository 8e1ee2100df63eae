import { sourcesInvalid } from './sources-invalid.ts';
import type { RawSource } from './types.ts';

/** A word may hold blanks inside brackets, as the addresses of CDs do. */
const wordPattern = /(?:[^\s[\]]|\[[^\]]*\])+/g;

/** The time that a broken line takes grows with the square of its length. */
const longestLine = 4096;

/**
 * Reads one line of a `.list` file: `deb [ option=value ... ] uri suite [component ...]` (sources.list(5)).
 * Undefined for an empty line, a comment, and for types other than `deb`.
 *
 * @throws ColdpatchError `sources_invalid`
 */
export function parseOneLineSource(line: string, where: string): RawSource | undefined {
  const text = line.replace(/#.*$/s, '').trim();
  if (text === '') return undefined;
  if (text.length > longestLine) {
    throw sourcesInvalid(where, `a line of at most ${longestLine} characters`, `one of ${text.length}`);
  }
  const match = /^(\S+)[ \t]+(?:\[([^\]]*)\][ \t]*)?(.*)$/.exec(text);
  const [, type, optionText, rest = ''] = match ?? [];
  if (type !== undefined && /^(?:deb-src|rpm|rpm-src)$/.test(type)) return undefined;
  const [uri, suite, ...components] = rest.match(wordPattern) ?? [];
  if (
    type !== 'deb' ||
    uri === undefined ||
    suite === undefined ||
    rest.replaceAll(wordPattern, '').trim() !== ''
  ) {
    throw sourcesInvalid(where, '"deb [options] URI suite component ..."', line);
  }
  return { where, uris: [uri], suites: [suite], components, options: parseOptions(optionText ?? '', where) };
}

function parseOptions(text: string, where: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const word of text.split(/[ \t]+/).filter((part) => part !== '')) {
    const [, name, value] = /^([A-Za-z-]+[+-]?)=(.*)$/.exec(word) ?? [];
    if (name === undefined || value === undefined) throw sourcesInvalid(where, 'options as name=value', word);
    options.set(name.toLowerCase(), value.replaceAll(',', ' '));
  }
  return options;
}
