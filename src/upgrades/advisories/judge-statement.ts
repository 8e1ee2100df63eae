import { isColdpatchError } from '../../lib/errors.ts';
import type { Statement } from './types.ts';

/** What one statement means for one installed version. */
export type Verdict =
  /** `by` says whether a fix is installed, or the version or release never had it. */
  | { readonly state: 'clean'; readonly by: 'fix' | 'never' }
  | { readonly state: 'fixable'; readonly fixedVersion: string }
  | { readonly state: 'will-not-fix' | 'open' }
  | { readonly state: 'unclear'; readonly why?: string };

export type CompareVersions = (a: string, b: string) => number;

/** What cannot be compared is unclear, never clean. */
export function judgeStatement(statement: Statement, installed: string, compare: CompareVersions): Verdict {
  const { status, fixedVersion, introducedVersion, lastAffectedVersion } = statement;
  if (status === 'not-affected') return { state: 'clean', by: 'never' };
  const bounds = [introducedVersion, lastAffectedVersion, fixedVersion];
  const order = (version: string): number | undefined => compareSafely(compare, installed, version);
  for (const bound of bounds) {
    if (bound !== undefined && order(bound) === undefined) {
      return { state: 'unclear', why: `version ${installed} cannot be compared with ${bound}` };
    }
  }
  if (introducedVersion !== undefined && (order(introducedVersion) ?? 0) < 0)
    return { state: 'clean', by: 'never' };
  if (lastAffectedVersion !== undefined && (order(lastAffectedVersion) ?? 0) > 0)
    return { state: 'clean', by: 'fix' };
  if (status === 'fixed') {
    if (fixedVersion === undefined) return { state: 'unclear', why: 'fixed, but the feed names no version' };
    return (order(fixedVersion) ?? -1) >= 0
      ? { state: 'clean', by: 'fix' }
      : { state: 'fixable', fixedVersion };
  }
  return { state: status === 'under-investigation' ? 'unclear' : status };
}

function compareSafely(compare: CompareVersions, a: string, b: string): number | undefined {
  try {
    return compare(a, b);
  } catch (error) {
    if (isColdpatchError(error, 'version_invalid')) return undefined;
    throw error;
  }
}
