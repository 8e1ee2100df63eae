/** Digit by digit, so that no number is too long; leading zeros do not count. */
export function compareNumbers(a: string, b: string): number {
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  return left.length - right.length || compareText(left, right);
}

/** By code unit. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether a segment of digits or of letters is one of digits. */
export function isNumber(segment: string): boolean {
  const code = segment.charCodeAt(0);
  return code >= 0x30 && code <= 0x39;
}
