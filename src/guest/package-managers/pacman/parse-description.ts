/**
 * The fields of a `desc` file: `%NAME%` on a line of its own, then one value in each line, then an empty line.
 * The first of two fields of a name wins.
 */
export function parseDescription(text: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>();
  let values: string[] | undefined;
  for (const line of text.split('\n')) {
    const [, name] = /^%([A-Z0-9]+)%$/.exec(line) ?? [];
    if (name !== undefined && values === undefined) {
      values = [];
      if (!fields.has(name)) fields.set(name, values);
    } else if (line === '') values = undefined;
    else values?.push(line);
  }
  return fields;
}
