import { compareNumbers, compareText } from '../compare-segments.ts';
import { type ApkToken, parseApkVersion } from './parse-apk-version.ts';

/**
 * The order of apk-tools 3.
 * Negative when `a` is older, positive when newer, 0 when they are equal in order (`1-r1` and `1-r01` are).
 *
 * @throws `version_invalid`
 */
export function compareApkVersions(a: string, b: string): number {
  const left = parseApkVersion(a);
  const right = parseApkVersion(b);
  for (let i = 0; i < left.length || i < right.length; i += 1) {
    const difference = rankOf(left[i]) - rankOf(right[i]) || compareAlike(left[i], right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

const ranks = { revision: 2, commit: 3, 'suffix-number': 4, letter: 6, number: 7, first: 8 } as const;

/** What follows equal beginnings: an early suffix is older than the end, everything else is newer. */
function rankOf(token: ApkToken | undefined): number {
  if (token === undefined) return 1;
  if (token.kind === 'suffix') return token.place < 0 ? 0 : 5;
  return ranks[token.kind];
}

function compareAlike(a: ApkToken | undefined, b: ApkToken | undefined): number {
  if (a === undefined || b === undefined) return 0;
  if ('place' in a) return 'place' in b ? a.place - b.place : 0;
  if ('text' in a) return 'text' in b ? compareText(a.text, b.text) : 0;
  if (!('digits' in b)) return 0;
  // After a dot, a leading zero makes a fraction of the number: 1.05 is older than 1.1.
  const isFraction = a.kind === 'number' && (a.digits.startsWith('0') || b.digits.startsWith('0'));
  return isFraction ? compareText(a.digits, b.digits) : compareNumbers(a.digits, b.digits);
}
