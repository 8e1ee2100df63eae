import type { Volume } from '../../disk/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';

/** The byte at which a volume begins. Volumes of volume managers have none, and are refused before a copy is made. */
export function placeOnDisk({ name, start }: Volume): bigint {
  if (start === undefined) {
    throw new ColdpatchError(
      'internal',
      `Expected a plain partition, but ${name} is a volume of a volume manager.`,
    );
  }
  return start;
}
