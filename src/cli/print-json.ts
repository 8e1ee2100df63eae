/** A value as JSON of several lines, ended by a line end, with nothing in it that a terminal could obey. */
export function printJson(value: unknown): string {
  return cleanJson(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes characters that a terminal could obey (see `cleanText`) as `\\uXXXX`, which leaves the values as they are. */
export function cleanJson(json: string): string {
  return json.replace(/[^\n\P{Cc}]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeUnits);
}

function escapeUnits(text: string): string {
  return text
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** A JSON text of several lines as one. Line breaks stand only between its parts: inside strings they are escaped. */
export function oneLineJson(json: string): string {
  return `${json.replace(/\n */g, '')}\n`;
}
