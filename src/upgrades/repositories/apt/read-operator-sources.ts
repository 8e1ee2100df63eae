import { parseSources } from './parse-sources.ts';
import type { ParsedSources } from './types.ts';

/**
 * Reads the repositories that the operator named: the one-line style, where `deb` may be left out.
 *
 * @throws ColdpatchError `sources_invalid`
 */
export function readOperatorSources(
  repositories: readonly string[],
  architectures: readonly string[],
): ParsedSources {
  const files = repositories.map((text) => ({
    path: '--repository',
    text: /^\s*deb\s/.test(text) ? text : `deb ${text}`,
  }));
  return parseSources(files, { architectures, fromOperator: true });
}
