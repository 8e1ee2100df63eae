const longest = 300;

/** A feed's text as one line that a terminal can show: no control characters, 300 characters at most; undefined for none. */
export function oneLine(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const line = text
    .slice(0, 4 * longest)
    .replace(/[\s\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ')
    .trim();
  if (line === '') return undefined;
  return line.length <= longest ? line : `${line.slice(0, longest - 1).trimEnd()}…`;
}
