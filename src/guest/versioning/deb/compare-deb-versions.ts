import { parseDebVersion } from './parse-deb-version.ts';

const tilde = 0x7e;
const zero = 0x30;

/**
 * Debian's order of versions (Debian Policy 5.6.12): epoch, then upstream version, then revision.
 * Negative when `a` is older, positive when newer, 0 when they are equal in order (`1.0` and `1.0-0` are).
 *
 * @throws `version_invalid`
 */
export function compareDebVersions(a: string, b: string): number {
  const left = parseDebVersion(a);
  const right = parseDebVersion(b);
  return (
    left.epoch - right.epoch ||
    comparePart(left.upstream, right.upstream) ||
    comparePart(left.revision, right.revision)
  );
}

/** Runs of non-digits and of digits take turns; the first pair of runs that differs decides. */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i) - weight(b, j);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    while (a.charCodeAt(i) === zero) i += 1;
    while (b.charCodeAt(j) === zero) j += 1;
    let firstDifference = 0;
    while (isDigit(a, i) && isDigit(b, j)) {
      if (firstDifference === 0) firstDifference = a.charCodeAt(i) - b.charCodeAt(j);
      i += 1;
      j += 1;
    }
    // The number with more digits left is the larger one.
    if (isDigit(a, i)) return 1;
    if (isDigit(b, j)) return -1;
    if (firstDifference !== 0) return firstDifference;
  }
  return 0;
}

/** `~` before the end of the run, the end before letters, letters before the rest. */
function weight(part: string, index: number): number {
  if (index >= part.length || isDigit(part, index)) return 0;
  const code = part.charCodeAt(index);
  if (code === tilde) return -1;
  return isLetter(code) ? code : code + 256;
}

function isDigit(part: string, index: number): boolean {
  const code = part.charCodeAt(index);
  return code >= zero && code <= 0x39;
}

function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}
