import { ColdpatchError } from './errors.ts';
import { hasErrorCode } from './has-error-code.ts';

/** `error` itself, or `host_space` with `error` as its cause when it says that the filesystem of `directory` is full. */
export function asHostSpaceError(error: unknown, directory: string): unknown {
  if (!hasErrorCode(error, 'ENOSPC', 'EDQUOT')) return error;
  return new ColdpatchError(
    'host_space',
    `Expected room for another file in ${directory}, but its filesystem (or your quota on it) is full. Free some space there.`,
    { cause: error },
  );
}
