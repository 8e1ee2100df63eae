import { ColdpatchError } from '../../lib/errors.ts';
import { apt } from './apt/index.ts';
import type { RepositoryFamily } from './types.ts';

export const repositoryFamilies: readonly RepositoryFamily[] = [apt];

/** @throws ColdpatchError `internal` for an id that no adapter has. */
export function repositoryFamilyOf(id: string): RepositoryFamily {
  const found = repositoryFamilies.find((family) => family.id === id);
  if (found !== undefined) return found;
  throw new ColdpatchError(
    'internal',
    `Expected the id of a repository family, found "${id}". Report this as a bug.`,
  );
}
