import type { FileTree } from '../file-tree.ts';

/** os-release(5), as far as we use it. Absent values are empty. */
export interface OsRelease {
  /** Lower-case letters, digits, `.`, `_` and `-`; else `linux`. */
  readonly id: string;
  /** The systems that this one is derived from, the closest first. */
  readonly idLike: readonly string[];
  readonly versionId: string;
  readonly versionCodename: string;
  readonly prettyName: string;
  /** As in `OperatingSystem`; not of os-release. */
  readonly edition?: string;
  readonly installedAt?: string;
}

const releaseLimit = 64 * 1024;
const maximumValue = 200;
const idShape = /^[a-z0-9._-]{1,64}$/;

/** Reads /etc/os-release, else /usr/lib/os-release; undefined when neither is a file. */
export function readOsRelease(tree: FileTree): OsRelease | undefined {
  const limit = { limit: releaseLimit };
  const text = tree.tryReadText('/etc/os-release', limit) ?? tree.tryReadText('/usr/lib/os-release', limit);
  return text === undefined ? undefined : parseOsRelease(text);
}

/** The content of such a file. */
export function parseOsRelease(text: string): OsRelease {
  const values = parseAssignments(text);
  const value = (name: string) => (values.get(name) ?? '').slice(0, maximumValue);
  return {
    id: idShape.test(value('ID')) ? value('ID') : 'linux',
    idLike: value('ID_LIKE')
      .split(/\s+/)
      .filter((id) => idShape.test(id)),
    versionId: value('VERSION_ID'),
    // Before 2017 the code name stood only in VERSION: `8 (jessie)`.
    versionCodename: value('VERSION_CODENAME') || (/\((\w+)\)/.exec(value('VERSION'))?.[1] ?? ''),
    prettyName: value('PRETTY_NAME') || value('NAME') || 'Linux',
  };
}

/** Assignments of a shell, without expansion: `NAME=value`, `NAME='value'`, `NAME="value"` with backslashes. */
function parseAssignments(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name = '', raw = ''] = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== '') values.set(name, unquote(raw));
  }
  return values;
}

function unquote(raw: string): string {
  const quote = raw.charAt(0);
  if (raw.length < 2 || !raw.endsWith(quote) || (quote !== '"' && quote !== "'")) return raw;
  const inner = raw.slice(1, -1);
  return quote === '"' ? inner.replace(/\\(["$\\`])/g, '$1') : inner;
}
