import type { ConfigurationText } from '../../../guest/apt-configuration.ts';
import type { SkippedSource } from '../../repository-snapshot.ts';
import { parseDeb822Sources } from './parse-deb822-source.ts';
import { parseOneLineSource } from './parse-one-line-source.ts';
import { parseSignedBy } from './parse-signed-by.ts';
import { sourcesInvalid } from './sources-invalid.ts';
import type { AptSource, ParsedSources, RawSource } from './types.ts';

export interface ParseSourcesOptions {
  /** The machine's own architecture first. */
  readonly architectures: readonly string[];
  /** True for sources that the operator wrote: only these may name files of this host. */
  readonly fromOperator: boolean;
}

const maximumSources = 500;

/**
 * Reads apt's sources, one-line and deb822 style. What could not be used for a reason of its own is in `skipped`.
 * Options that weaken verification (`trusted`, `allow-insecure`, `check-valid-until`, ...) have no effect here.
 *
 * @throws ColdpatchError `sources_invalid` with file and line
 */
export function parseSources(
  files: readonly ConfigurationText[],
  options: ParseSourcesOptions,
): ParsedSources {
  const skipped: SkippedSource[] = [];
  const sources: AptSource[] = [];
  for (const raw of files.flatMap(rawSources)) {
    for (const source of checkedSources(raw, options, skipped)) addOrMerge(sources, source);
    if (sources.length > maximumSources) {
      throw sourcesInvalid(raw.where, `at most ${maximumSources} sources`, 'more');
    }
  }
  return { sources, skipped };
}

function rawSources(file: ConfigurationText): readonly RawSource[] {
  if (file.path.endsWith('.sources')) return parseDeb822Sources(file.text, file.path);
  return file.text.split(/\r?\n/).flatMap((line, index) => {
    const source = parseOneLineSource(line, `${file.path}:${index + 1}`);
    return source === undefined ? [] : [source];
  });
}

function checkedSources(
  raw: RawSource,
  options: ParseSourcesOptions,
  skipped: SkippedSource[],
): readonly AptSource[] {
  const architectures = architecturesOf(raw, options.architectures);
  if (architectures.length === 0) {
    skipped.push({ where: raw.where, reason: 'it is for other architectures than those of the machine' });
    return [];
  }
  const signedBy = raw.options.get('signed-by');
  const usable = raw.uris.flatMap((text) => {
    const uri = checkedUri(text, raw.where, options.fromOperator);
    if ('uri' in uri) return [uri.uri];
    skipped.push({ where: raw.where, reason: uri.reason });
    return [];
  });
  return usable.flatMap((uri) =>
    raw.suites.map((text) => {
      const suite = text.replaceAll('$(ARCH)', options.architectures[0] ?? '');
      checkName(suite, raw.where, 'a suite');
      for (const component of raw.components) checkName(component, raw.where, 'a component');
      if (suite.endsWith('/') && raw.components.length > 0) {
        throw sourcesInvalid(raw.where, 'no components after a suite with a slash at its end', text);
      }
      if (!suite.endsWith('/') && raw.components.length === 0) {
        throw sourcesInvalid(raw.where, 'components, or a slash at the end of the suite', text);
      }
      return {
        where: raw.where,
        uri,
        suite,
        components: [...new Set(raw.components)],
        architectures,
        ...(signedBy === undefined ? {} : { signedBy: parseSignedBy(signedBy, raw.where) }),
      };
    }),
  );
}

function architecturesOf(raw: RawSource, standing: readonly string[]): readonly string[] {
  const words = (name: string): string[] | undefined =>
    raw.options
      .get(name)
      ?.split(/\s+/)
      .filter((word) => word !== '');
  const removed = new Set(words('arch-'));
  const all = [...(words('arch') ?? standing), ...(words('arch+') ?? [])];
  for (const name of all) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) throw sourcesInvalid(raw.where, 'names of architectures', name);
  }
  // Lists of architectures that the machine does not have would change nothing.
  return [...new Set(all)].filter((name) => standing.includes(name) && !removed.has(name));
}

function checkedUri(
  text: string,
  where: string,
  fromOperator: boolean,
): { readonly uri: string } | { readonly reason: string } {
  const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(text) ?? [];
  const invalid = sourcesInvalid(where, 'the address of a repository', text);
  if (scheme === undefined) throw invalid;
  const name = scheme.toLowerCase();
  const isFolder = name === 'file' || name === 'copy';
  if (isFolder && !fromOperator) {
    return {
      reason: `${name}: names files beside the image, and files of this host are not read for an image`,
    };
  }
  if (!isFolder && name !== 'http' && name !== 'https') {
    return { reason: `the scheme ${name}: is not supported` };
  }
  if (!/^[\x21-\x7e]+$/.test(text) || /["'\\<>[\]{}|^`]/.test(text) || !URL.canParse(text)) throw invalid;
  if (isFolder) return { uri: withSlash(text) };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    return { reason: 'addresses with a password are not supported' };
  if (url.search !== '' || url.hash !== '') throw sourcesInvalid(where, 'an address without ? and #', text);
  return { uri: withSlash(text) };
}

function withSlash(uri: string): string {
  return uri.endsWith('/') ? uri : `${uri}/`;
}

function checkName(name: string, where: string, what: string): void {
  const plain = /^[A-Za-z0-9./][A-Za-z0-9._~+:/-]*$/.test(name);
  if (!plain || name.split('/').includes('..') || (name.startsWith('/') && name !== '/')) {
    throw sourcesInvalid(where, `the name of ${what}`, name);
  }
}

/** The same repository in several lines is one with all their components, as apt treats it. */
function addOrMerge(sources: AptSource[], source: AptSource): void {
  const index = sources.findIndex(
    (known) =>
      known.uri === source.uri &&
      known.suite === source.suite &&
      known.architectures.join() === source.architectures.join(),
  );
  const known = sources[index];
  if (known === undefined) {
    sources.push(source);
    return;
  }
  if (JSON.stringify(known.signedBy) !== JSON.stringify(source.signedBy)) {
    throw sourcesInvalid(
      source.where,
      `the same Signed-By as in ${known.where}`,
      `${source.uri} ${source.suite}`,
    );
  }
  sources[index] = { ...known, components: [...new Set([...known.components, ...source.components])] };
}
