import { join } from 'node:path';
import type { Config } from './schema.ts';

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
}

/** What holds when nobody says otherwise. A relative XDG_CACHE_HOME does not count: XDG Base Directory Specification. */
export function defaultConfig({ environment, isRoot }: Surroundings): Config {
  const home = environment.HOME || '/nonexistent';
  const { XDG_CACHE_HOME: cacheHome = '' } = environment;
  return {
    cacheDirectory: isRoot
      ? '/var/cache/coldpatch'
      : join(cacheHome.startsWith('/') ? cacheHome : join(home, '.cache'), 'coldpatch'),
    stateDirectory: isRoot ? '/var/lib/coldpatch' : join(home, '.local/state/coldpatch'),
    imageDirectories: [],
    kvmProbeSeconds: 10,
    upgradeSeconds: 14_400,
    generations: { defaults: {}, machines: {} },
  };
}
