import { ColdpatchError } from '../../lib/errors.ts';
import { apk } from './apk/index.ts';
import { deb } from './deb/index.ts';
import { pacman } from './pacman/index.ts';
import { rpm } from './rpm/index.ts';
import type { Versioning } from './types.ts';
import { windows } from './windows/index.ts';

export const versionings: readonly Versioning[] = [deb, rpm, apk, pacman, windows];

/** @throws `internal` for an id that no adapter has: another order would be a wrong answer. */
export function versioningOf(id: string): Versioning {
  const found = versionings.find((versioning) => versioning.id === id);
  if (found !== undefined) return found;
  throw new ColdpatchError(
    'internal',
    `Expected the id of a version order, found "${id}". Report this as a bug.`,
  );
}
