import { ColdpatchError, isColdpatchError } from '../lib/errors.ts';
import { readNamedJson } from '../lib/read-named-file.ts';

/**
 * The JSON object in a configuration file, not validated yet; undefined when there is no file.
 *
 * @throws ColdpatchError `configuration_invalid` when it is no JSON object, `file_unreadable`.
 */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> | undefined {
  const found = jsonIn(path);
  if (found === undefined) return undefined;
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return { ...found };
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a JSON object in ${path}, but found ${Array.isArray(found) ? 'a list' : JSON.stringify(found)}.`,
  );
}

function jsonIn(path: string): unknown {
  try {
    return readNamedJson(path);
  } catch (error) {
    if (isColdpatchError(error, 'file_not_found')) return undefined;
    throw error;
  }
}
