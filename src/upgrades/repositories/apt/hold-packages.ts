/**
 * A dpkg status file in which packages are on hold, so that the solver keeps them as they are.
 *
 * @param patterns names, or beginnings of names with `*` at their end.
 */
export function holdPackages(dpkgStatus: Uint8Array, patterns: readonly string[]): Uint8Array {
  if (patterns.length === 0) return dpkgStatus;
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*')));
  const beginnings = patterns.filter((pattern) => pattern.endsWith('*')).map((text) => text.slice(0, -1));
  const isHeld = (name: string): boolean =>
    names.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
  let isHolding = false;
  // Each byte is a character: whatever the descriptions are written in stays as it is.
  const lines = Buffer.from(dpkgStatus)
    .toString('latin1')
    .split('\n')
    .map((line) => {
      if (line === '') isHolding = false;
      const [, name] = /^Package: *(\S+)/.exec(line) ?? [];
      if (name !== undefined) isHolding = isHeld(name);
      return isHolding ? line.replace(/^Status: *\S+ /, 'Status: hold ') : line;
    });
  return Buffer.from(lines.join('\n'), 'latin1');
}
