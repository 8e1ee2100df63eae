import { ColdpatchError } from '../../lib/errors.ts';
import { apk } from './apk/index.ts';
import { apt } from './apt/index.ts';
import { rpmMd } from './rpm-md/index.ts';
import type { OrderingFamily, SolvingFamily } from './types.ts';

export const solvingFamilies: readonly SolvingFamily[] = [apt];
export const orderingFamilies: readonly OrderingFamily[] = [apk, rpmMd];

/** @throws ColdpatchError `internal` for an id that no adapter has. */
export function solvingFamilyOf(id: string): SolvingFamily {
  return familyOf(solvingFamilies, id);
}

/** @throws ColdpatchError `internal` for an id that no adapter has. */
export function orderingFamilyOf(id: string): OrderingFamily {
  return familyOf(orderingFamilies, id);
}

function familyOf<F extends { readonly id: string }>(families: readonly F[], id: string): F {
  const found = families.find((family) => family.id === id);
  if (found !== undefined) return found;
  throw new ColdpatchError(
    'internal',
    `Expected the id of a repository family, found "${id}". Report this as a bug.`,
  );
}
