import { readFileSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';

/**
 * The token with which a server is asked: from a file, or from COLDPATCH_TOKEN. Never from an argument, which every user
 * of the host can see.
 *
 * @throws ColdpatchError `usage`, `file_unreadable`
 */
export function readToken(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const token = (file === undefined ? environment['COLDPATCH_TOKEN'] : readText(file))?.trim() ?? '';
  if (/^[\x21-\x7e]{1,400}$/.test(token)) return token;
  throw new ColdpatchError(
    'usage',
    'Expected a token of the server in COLDPATCH_TOKEN or in the file of --token-file, but found none.',
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ColdpatchError(
      'file_unreadable',
      `Expected to read a token from ${path}, but it cannot be read.`,
      {
        cause,
      },
    );
  }
}
