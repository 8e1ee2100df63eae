/** What `apt-get -s` says that it would do. */
export interface Simulation {
  readonly installs: readonly SimulatedInstall[];
  readonly removals: readonly SimulatedRemoval[];
  /** Names as apt prints them: of a foreign architecture with `:arch`. */
  readonly keptBack: readonly string[];
  readonly essentialRemovals: readonly string[];
  /** apt's words on each package whose dependencies cannot be met. */
  readonly unmet: ReadonlyMap<string, string>;
}

export interface SimulatedInstall {
  readonly name: string;
  readonly architecture: string;
  readonly from: string | null;
  readonly to: string;
}

export interface SimulatedRemoval {
  /** With `:arch` when it is of a foreign architecture. */
  readonly name: string;
  readonly from: string;
}

/** Reads the output of `apt-get -s` in the C locale. */
export function parseSimulation(output: string): Simulation {
  const lines = output.split('\n');
  const installs: SimulatedInstall[] = [];
  const removals: SimulatedRemoval[] = [];
  for (const line of lines) {
    const install = /^Inst (\S+) (?:\[([^\]]+)\] )?\((\S+) .*?\[([a-z0-9-]+)\]\)/.exec(line);
    if (install) {
      const [, label = '', from, to = '', architecture = ''] = install;
      installs.push({ name: bareName(label), architecture, from: from ?? null, to });
    }
    const removal = /^(?:Remv|Purg) (\S+) \[([^\]]+)\]/.exec(line);
    if (removal) removals.push({ name: removal[1] ?? '', from: removal[2] ?? '' });
  }
  return {
    installs,
    removals,
    keptBack: listAfter(lines, 'The following packages have been kept back:'),
    essentialRemovals: listAfter(lines, 'WARNING: The following essential packages will be removed.'),
    unmet: parseUnmet(lines),
  };
}

/** A name without the architecture that apt puts behind it. */
export function bareName(label: string): string {
  return label.replace(/:.*$/, '');
}

/** The words of the indented lines below a headline. */
function listAfter(lines: readonly string[], headline: string): string[] {
  const start = lines.findIndex((line) => line.startsWith(headline));
  if (start === -1) return [];
  const words: string[] = [];
  for (const line of lines.slice(start + 1)) {
    if (/^  \S/.test(line)) words.push(...line.trim().split(/\s+/));
    // An explanation of the headline goes on at the margin before the list begins.
    else if (words.length > 0 || !line.startsWith('This should')) break;
  }
  return words.filter((word) => /^[a-z0-9]/.test(word));
}

function parseUnmet(lines: readonly string[]): ReadonlyMap<string, string> {
  const unmet = new Map<string, string>();
  const start = lines.indexOf('The following packages have unmet dependencies:');
  if (start === -1) return unmet;
  let current = '';
  for (const line of lines.slice(start + 1)) {
    const [, name, words] = /^ ([^\s:]\S*) : (.*)$/.exec(line) ?? [];
    if (name === undefined && !/^ {3,}\S/.test(line)) break;
    if (name !== undefined) current = name;
    const known = unmet.get(current);
    const said = words ?? line.trim();
    unmet.set(current, known === undefined ? said : `${known}; ${said}`);
  }
  return unmet;
}
