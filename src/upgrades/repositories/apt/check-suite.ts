import { ColdpatchError } from '../../../lib/errors.ts';
import type { Release } from './parse-release.ts';

/**
 * Refuses a release that is signed, but is not of the suite that was asked for.
 *
 * @param asked `what` names the repository in messages
 * @throws ColdpatchError `repository_corrupt`
 */
export function checkSuite(
  release: Release,
  { what, suite }: { readonly what: string; readonly suite: string },
): void {
  // Older security suites are kept below a folder: `buster/updates` has the codename `buster`.
  const names = new Set([suite, suite.replace(/\/updates$/, '')]);
  const own = [release.suite, release.codename].filter((name) => name !== undefined);
  if (suite.endsWith('/') || own.length === 0 || own.some((name) => names.has(name))) return;
  throw new ColdpatchError(
    'repository_corrupt',
    `Expected the suite or codename ${suite} in the signed text of ${what}, found ${own.join(' / ')}. The mirror delivers another suite: name that one in the source, or use another mirror.`,
  );
}
