/**
 * A value as JSON of several lines, ended by a line end. Characters that a terminal could obey (see `cleanText`) are
 * written as `\uXXXX`, which leaves the values as they are.
 */
export function printJson(value: unknown): string {
  const json = JSON.stringify(value, null, 2).replace(
    /[^\n\P{Cc}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    escapeUnits,
  );
  return `${json}\n`;
}

function escapeUnits(text: string): string {
  return text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
