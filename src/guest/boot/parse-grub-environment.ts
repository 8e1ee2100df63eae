/** The variables of a grubenv file: lines `name=value` behind a first line of its own, then padding by `#`. */
export function parseGrubEnvironment(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\w{1,64})=(.{0,1000})$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}
