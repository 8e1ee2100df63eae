import { readFileSync } from 'node:fs';
import { ColdpatchError } from './errors.ts';
import { hasErrorCode } from './has-error-code.ts';

/** The text of a file that an operator named. @throws ColdpatchError `file_not_found`, `file_unreadable` */
export function readNamedFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (hasErrorCode(cause, 'ENOENT', 'ENOTDIR'))
      throw new ColdpatchError('file_not_found', `Expected a file at ${path}, but there is none.`, { cause });
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read ${path}, but could not: ${(cause as Error).message}. Check its permissions.`,
      { cause },
    );
  }
}

/** What such a file says, not validated yet. @throws ColdpatchError also `configuration_invalid` when it is no JSON */
export function readNamedJson(path: string): unknown {
  const text = readNamedFile(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ColdpatchError(
      'configuration_invalid',
      `Expected JSON in ${path}, but found something else: ${(cause as Error).message}.`,
      { cause },
    );
  }
}
