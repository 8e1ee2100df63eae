import type { Config } from '../config/schema.ts';
import type { UpgradeSources } from '../patch/find-image-upgrades.ts';

/** Where upgrade information comes from, as the operator says it. */
export interface SourceOptions {
  readonly repositories?: readonly string[] | undefined;
  readonly allowStale: boolean;
  readonly offline: boolean;
}

export function sourcesOf(
  config: Config,
  { repositories, allowStale, offline }: SourceOptions,
): UpgradeSources {
  return {
    ...(repositories && repositories.length > 0 && { repositories }),
    allowStale,
    offline,
    cacheDirectory: config.cacheDirectory,
  };
}
