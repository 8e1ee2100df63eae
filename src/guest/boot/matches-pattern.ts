/**
 * Whether a text is of a pattern in which `*` stands for any characters and `?` for one; case does not count.
 * Takes time in proportion to both lengths at most, whatever they are.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const letters = text.toLowerCase();
  const wanted = pattern.toLowerCase();
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < letters.length) {
    const sign = wanted.charAt(next);
    if (sign === '*') {
      star = next;
      resume = at;
      next += 1;
    } else if (sign !== '' && (sign === '?' || sign === letters.charAt(at))) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else return false;
  }
  return /^\**$/.test(wanted.slice(next));
}
