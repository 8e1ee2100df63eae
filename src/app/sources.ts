import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { readNamedJson } from '../lib/read-named-file.ts';
import type { UpgradeSources } from '../patch/find-image-upgrades.ts';
import type { PinnedRepository } from '../upgrades/used-repositories.ts';

/** Where upgrade information comes from, as the operator says it. */
export interface SourceOptions {
  readonly repositories?: readonly string[] | undefined;
  /** Packages that stay as they are: names, or beginnings of names with `*` at their end. */
  readonly neverTouch?: readonly string[] | undefined;
  readonly allowStale: boolean;
  readonly offline: boolean;
  /** A plan, report or scan as JSON: the states of the repositories that it names are used again. */
  readonly snapshot?: string | undefined;
}

const pinnedSchema = z.object({
  repositories: z
    .array(
      z.object({ uri: z.string(), suite: z.string(), releaseDigest: z.string().regex(/^[0-9a-f]{64}$/) }),
    )
    .min(1),
});

export function sourcesOf(
  config: Config,
  { repositories, neverTouch, allowStale, offline, snapshot }: SourceOptions,
): UpgradeSources {
  return {
    ...(repositories && repositories.length > 0 && { repositories }),
    ...(neverTouch && { neverTouch }),
    allowStale,
    offline,
    ...(snapshot !== undefined && { pinned: readSnapshot(snapshot) }),
    cacheDirectory: config.cacheDirectory,
  };
}

/** @throws ColdpatchError `file_not_found`, `file_unreadable`, `configuration_invalid` */
function readSnapshot(path: string): readonly PinnedRepository[] {
  const found = pinnedSchema.safeParse(readNamedJson(path));
  if (found.success) return found.data.repositories;
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a plan, report or scan of coldpatch as JSON in ${path}, with the repositories that it used, but found none there.`,
  );
}
