import { ColdpatchError } from '../../../lib/errors.ts';

/** The answer of `read`, or the error that the database's content is to blame for. */
export function orDamage<T>(read: () => T): T | ColdpatchError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ColdpatchError && error.code !== 'internal') return error;
    throw error;
  }
}
