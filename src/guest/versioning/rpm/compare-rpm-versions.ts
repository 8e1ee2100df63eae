import { compareNumbers, compareText, isNumber } from '../compare-segments.ts';
import { parseRpmVersion } from './parse-rpm-version.ts';

/**
 * The order of rpm (rpm-version(7)): epoch, then version, then release.
 * Negative when `a` is older, positive when newer, 0 when they are equal in order (`1.0` and `1_00` are).
 *
 * @throws `version_invalid`
 */
export function compareRpmVersions(a: string, b: string): number {
  const left = parseRpmVersion(a);
  const right = parseRpmVersion(b);
  return (
    left.epoch - right.epoch ||
    comparePart(left.version, right.version) ||
    compareRelease(left.release, right.release)
  );
}

function compareRelease(a: string | undefined, b: string | undefined): number {
  if (a !== undefined && b !== undefined) return comparePart(a, b);
  return Number(a !== undefined) - Number(b !== undefined);
}

/** Segments of digits, of letters, `~` and `^`; what stands between them does not count. */
function comparePart(a: string, b: string): number {
  const left = segmentsOf(a);
  const right = segmentsOf(b);
  for (let i = 0; i < left.length || i < right.length; i += 1) {
    const difference = compareSegment(left[i], right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function segmentsOf(part: string): readonly string[] {
  return part.match(/[0-9]+|[A-Za-z]+|[~^]/g) ?? [];
}

function compareSegment(a: string | undefined, b: string | undefined): number {
  const difference = rankOf(a) - rankOf(b);
  if (difference !== 0 || a === undefined || b === undefined) return difference;
  return isNumber(a) ? compareNumbers(a, b) : compareText(a, b);
}

/** `~` before the end, the end before `^`, then letters, then digits. */
function rankOf(segment: string | undefined): number {
  if (segment === undefined) return 1;
  if (segment === '~') return 0;
  if (segment === '^') return 2;
  return isNumber(segment) ? 4 : 3;
}
