import { readFileSync } from 'node:fs';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';

/**
 * The JSON object in a configuration file, not validated yet; undefined when there is no file.
 *
 * @throws ColdpatchError `configuration_invalid` when it is no JSON object, `file_unreadable`.
 */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> | undefined {
  const text = textOf(path);
  if (text === undefined) return undefined;
  const found = parse(path, text);
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return { ...found };
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a JSON object in ${path}, but found ${Array.isArray(found) ? 'a list' : JSON.stringify(found)}.`,
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read the configuration ${path}, but could not: ${(error as Error).message}. Check its permissions.`,
      { cause: error },
    );
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ColdpatchError(
      'configuration_invalid',
      `Expected JSON in ${path}, but found something else: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}
