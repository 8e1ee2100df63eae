import { ColdpatchError } from '../../lib/errors.ts';
import { oneLine } from './one-line.ts';

/**
 * @param expected what the format asks for, as the end of "Expected ...".
 * @param found what is there instead, as the end of "but ...".
 */
export function advisoriesInvalid(expected: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'advisories_invalid',
    `Expected ${oneLine(expected)}, but ${oneLine(found)}. ` +
      'Check that the whole file was fetched and that its format was named rightly. Nothing of it was kept.',
    cause === undefined ? {} : { cause },
  );
}
