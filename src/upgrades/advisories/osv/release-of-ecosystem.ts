export interface EcosystemRelease {
  readonly release: string;
  readonly packageKind: 'source' | 'binary';
  /** Under which condition its fixes can be had. */
  readonly note?: string;
}

interface Rule {
  readonly pattern: RegExp;
  readonly id: string;
  readonly packageKind: 'source' | 'binary';
  readonly note?: string;
}

const rules: readonly Rule[] = [
  { pattern: /^Debian:(\w+)$/, id: 'debian', packageKind: 'source' },
  { pattern: /^Ubuntu:(\d+\.\d+)(?::LTS)?$/, id: 'ubuntu', packageKind: 'source' },
  {
    pattern: /^Ubuntu:Pro(?::FIPS(?:-preview|-updates)?)?:(\d+\.\d+)(?::LTS)?$/,
    id: 'ubuntu',
    packageKind: 'source',
    note: 'only with Ubuntu Pro',
  },
  { pattern: /^Alpine:v?(\d+\.\d+|edge)$/, id: 'alpine', packageKind: 'source' },
  { pattern: /^Red Hat:enterprise_linux:(\d+)(?:\.\d+)?(?::.*)?$/, id: 'rhel', packageKind: 'binary' },
  { pattern: /^Rocky Linux:(\d+)(?:\.\d+)?$/, id: 'rocky', packageKind: 'source' },
  { pattern: /^AlmaLinux:(\d+)(?:\.\d+)?$/, id: 'almalinux', packageKind: 'binary' },
  { pattern: /^openSUSE:Leap (\d+\.\d+)$/, id: 'opensuse-leap', packageKind: 'source' },
  { pattern: /^openSUSE:(Tumbleweed)$/, id: 'opensuse-tumbleweed', packageKind: 'source' },
];

const enterprise =
  /^SUSE:Linux Enterprise (?:Server|Module for [\w -]+?|Desktop) (\d+)(?: SP(\d+))?(-LTSS)?$/;

/** The release of which an ecosystem of OSV speaks, and which of its packages it names; undefined for others. */
export function releaseOfEcosystem(ecosystem: string): EcosystemRelease | undefined {
  if (ecosystem.length > 200) return undefined;
  for (const { pattern, id, packageKind, note } of rules) {
    const version = pattern.exec(ecosystem)?.[1];
    if (version === undefined) continue;
    const name = id === 'opensuse-tumbleweed' ? 'rolling' : version;
    return { release: `${id}:${name}`, packageKind, ...(note === undefined ? {} : { note }) };
  }
  const [, version, pack, longTerm] = enterprise.exec(ecosystem) ?? [];
  if (version === undefined) return undefined;
  return {
    release: `sles:${version}${pack === undefined ? '' : `.${pack}`}`,
    packageKind: 'source',
    ...(longTerm === undefined ? {} : { note: 'only with long term support' }),
  };
}
