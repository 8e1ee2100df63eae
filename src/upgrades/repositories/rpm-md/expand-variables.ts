import type { OperatingSystem } from '../../../guest/types.ts';

/** dnf's names of what several machine architectures share (libdnf, arch map); all others are their own. */
const baseArchitectures: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  ia32e: 'x86_64',
  i386: 'i386',
  i486: 'i386',
  i586: 'i386',
  i686: 'i386',
  athlon: 'i386',
  armv7hl: 'armhfp',
  armv7hnl: 'armhfp',
  armv6hl: 'armv6hl',
};

/** Distributions whose repositories are named for the major release alone. */
const majorOnly: ReadonlySet<string> = new Set(['rhel', 'centos', 'rocky', 'almalinux', 'ol', 'scientific']);

/** The variables of dnf.conf(5) for a guest: those that it sets, and those that follow from what it is. */
export function variablesOf(
  { id, versionId, architecture }: Pick<OperatingSystem, 'id' | 'versionId' | 'architecture'>,
  own: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const [major = '', minor = ''] = versionId.split('.');
  const known: readonly (readonly [string, string])[] = [
    ['releasever', majorOnly.has(id) ? major : versionId],
    ['releasever_major', major],
    ['releasever_minor', minor],
    ['basearch', baseArchitectures[architecture] ?? architecture],
    ['arch', architecture],
  ];
  // What is not known of the guest is no variable; one that the guest sets to nothing is.
  return new Map([...known.filter(([, value]) => value !== ''), ...own]);
}

/** `text` with `$name` and `${name}` replaced; undefined when there is one that nobody knows, or of another form. */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  let isKnown = true;
  const expanded = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const value = variables.get(braced ?? bare ?? '');
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  return isKnown && !expanded.includes('$') && expanded.length <= 4096 ? expanded : undefined;
}
