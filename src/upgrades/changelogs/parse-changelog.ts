/** One entry of a Debian changelog: one version of the source package. */
export interface ChangelogEntry {
  readonly source: string;
  readonly version: string;
  /** `bookworm-security`. */
  readonly distributions: string;
  /** `high`; what the maintainer thought of it, not a severity. */
  readonly urgency: string;
  /** Of the entry's last line, verbatim; empty when there is none. */
  readonly date: string;
  /** In the order in which the entry names them, each once. */
  readonly vulnerabilities: readonly string[];
}

/** Heading and trailer of an entry: deb-changelog(5). */
const heading = /^([A-Za-z0-9][A-Za-z0-9+.-]+) \(([^()\s]{1,256})\)((?: [A-Za-z0-9.+~-]+)+);(.*)$/;
const trailer = /^ -- .{0,256}?>  ?(.{0,64})$/;
const vulnerability = /\bCVE-[0-9]{4}-[0-9]{4,8}\b/g;

/** A line that cannot be of a changelog is not worth to be searched. */
const longestLine = 16 * 1024;

/** The entries of a Debian changelog, newest first, as they stand in it. What is before the first heading is left out. */
export function parseChangelog(text: string): readonly ChangelogEntry[] {
  const entries: (Omit<ChangelogEntry, 'vulnerabilities'> & {
    vulnerabilities: Set<string>;
    date: string;
  })[] = [];
  for (const line of text.split('\n')) {
    if (line.length > longestLine) continue;
    const [, source, version, distributions = '', rest = ''] = heading.exec(line) ?? [];
    if (source !== undefined && version !== undefined) {
      const urgency = /urgency=([a-z]+)/i.exec(rest)?.[1]?.toLowerCase() ?? '';
      const place = distributions.trim();
      entries.push({ source, version, distributions: place, urgency, date: '', vulnerabilities: new Set() });
      continue;
    }
    const entry = entries.at(-1);
    if (entry === undefined) continue;
    for (const [id] of line.matchAll(vulnerability)) entry.vulnerabilities.add(id);
    const date = trailer.exec(line)?.[1];
    if (date !== undefined) entry.date = date;
  }
  return entries.map((entry) => ({ ...entry, vulnerabilities: [...entry.vulnerabilities] }));
}
