import { compareNumbers, compareText, isNumber } from '../compare-segments.ts';
import { parsePacmanVersion } from './parse-pacman-version.ts';

/**
 * The order of pacman (vercmp(8)): epoch, then version, then release.
 * Negative when `a` is older, positive when newer, 0 when they are equal in order (`1.0` and `1_00` are).
 *
 * @throws `version_invalid`
 */
export function comparePacmanVersions(a: string, b: string): number {
  const left = parsePacmanVersion(a);
  const right = parsePacmanVersion(b);
  return (
    compareNumbers(left.epoch, right.epoch) ||
    comparePart(left.version, right.version) ||
    compareRelease(left.release, right.release)
  );
}

function compareRelease(a: string | undefined, b: string | undefined): number {
  if (a !== undefined && b !== undefined) return comparePart(a, b);
  return Number(a !== undefined) - Number(b !== undefined);
}

/** A run of digits or of letters, and how many characters of neither kind stand before it. */
interface Segment {
  readonly separators: number;
  readonly text: string;
}

function comparePart(a: string, b: string): number {
  const left = segmentsOf(a);
  const right = segmentsOf(b);
  for (let i = 0; i < left.length || i < right.length; i += 1) {
    const difference = compareSegment(left[i], right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function segmentsOf(part: string): readonly Segment[] {
  return [...part.matchAll(/([^A-Za-z0-9]*)([0-9]+|[A-Za-z]+)/g)].map(([, separators = '', text = '']) => ({
    separators: separators.length,
    text,
  }));
}

function compareSegment(a: Segment | undefined, b: Segment | undefined): number {
  if (a === undefined || b === undefined) return againstEnd(a) - againstEnd(b);
  if (a.separators !== b.separators) return a.separators - b.separators;
  if (isNumber(a.text) !== isNumber(b.text)) return isNumber(a.text) ? 1 : -1;
  return isNumber(a.text) ? compareNumbers(a.text, b.text) : compareText(a.text, b.text);
}

/** Letters that follow without a separator make a version older (`1.0rc`), everything else makes it newer. */
function againstEnd(segment: Segment | undefined): number {
  if (segment === undefined) return 0;
  return segment.separators === 0 && !isNumber(segment.text) ? -1 : 1;
}
