import { sourcesInvalid } from './sources-invalid.ts';
import type { RawSource } from './types.ts';

interface Field {
  readonly line: number;
  readonly lines: string[];
}

/** What apt takes for "no". */
const negative = /^(?:no|false|without|off|disable|0)$/i;

/** Names of deb822 fields by the option of the one-line style that means the same. */
const optionOfField: ReadonlyMap<string, string> = new Map([
  ['architectures', 'arch'],
  ['architectures-add', 'arch+'],
  ['architectures-remove', 'arch-'],
  ['signed-by', 'signed-by'],
]);

/**
 * Reads a `.sources` file: paragraphs with Types, URIs, Suites and Components (sources.list(5), deb822 style).
 * Paragraphs that are disabled or have no `deb` among their types are left out.
 *
 * @throws ColdpatchError `sources_invalid`
 */
export function parseDeb822Sources(text: string, path: string): readonly RawSource[] {
  return paragraphs(text, path).flatMap((fields) => {
    const first = Math.min(...[...fields.values()].map(({ line }) => line));
    const where = `${path}:${first}`;
    const words = (name: string): string[] =>
      (fields.get(name)?.lines.join(' ') ?? '').split(/[ \t]+/).filter((word) => word !== '');
    const types = words('types');
    if (types.length === 0) throw sourcesInvalid(where, 'a field Types', 'none');
    if (negative.test(words('enabled')[0] ?? 'yes') || !types.includes('deb')) return [];
    for (const name of ['URIs', 'Suites']) {
      if (words(name.toLowerCase()).length === 0) throw sourcesInvalid(where, `a field ${name}`, 'none');
    }
    const options = new Map<string, string>();
    for (const [name, option] of optionOfField) {
      const field = fields.get(name);
      if (field) options.set(option, field.lines.join('\n').trim());
    }
    return [
      { where, uris: words('uris'), suites: words('suites'), components: words('components'), options },
    ];
  });
}

/** A parser of its own, because messages need line numbers. */
function paragraphs(text: string, path: string): Map<string, Field>[] {
  const found: Map<string, Field>[] = [];
  let fields = new Map<string, Field>();
  let current: Field | undefined;
  for (const [index, raw] of `${text}\n`.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (raw.startsWith('#')) continue;
    if (raw.trim() === '') {
      if (fields.size > 0) found.push(fields);
      fields = new Map();
      current = undefined;
    } else if (/^[ \t]/.test(raw)) {
      if (current === undefined)
        throw sourcesInvalid(`${path}:${line}`, 'a field before a continuation', raw);
      current.lines.push(raw.trim());
    } else {
      const [, name, value] = /^([^\s:#-][^\s:]*)[ \t]*:(.*)$/.exec(raw) ?? [];
      if (name === undefined || value === undefined) {
        throw sourcesInvalid(`${path}:${line}`, 'a line "Field: value"', raw);
      }
      current = { line, lines: [value.trim()] };
      fields.set(name.toLowerCase(), current);
    }
  }
  return found;
}
