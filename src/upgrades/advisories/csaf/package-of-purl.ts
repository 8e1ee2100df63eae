import { PackageURL } from 'packageurl-js';

/** The package of a distribution that a package URL names. */
export interface PurlPackage {
  readonly release: string;
  readonly package: string;
  readonly packageKind: 'source' | 'binary';
  /** With its epoch, as the distribution writes it; undefined when the URL is of every version. */
  readonly version: string | undefined;
}

const longestPurl = 2000;

/**
 * Reads a package URL of type `deb`, `rpm` or `apk`.
 * @param platforms CPE names of what the package is a part of: they tell the release where the URL does not.
 * @returns undefined for what is no package of a release that we know.
 */
export function packageOfPurl(purl: string, platforms: readonly string[]): PurlPackage | undefined {
  const parsed = parse(purl);
  if (parsed === undefined) return undefined;
  const { type, namespace, name, version } = parsed;
  const qualifiers: Readonly<Record<string, string>> = parsed.qualifiers ?? {};
  const release = releaseOfDistro(namespace ?? '', qualifiers['distro']) ?? releaseOfPlatforms(platforms);
  if (release === undefined || !['deb', 'rpm', 'apk'].includes(type)) return undefined;
  const { arch, epoch } = qualifiers;
  const isSource = arch === undefined ? type !== 'rpm' : arch === 'source' || arch === 'src';
  return {
    release,
    package: name,
    packageKind: isSource ? 'source' : 'binary',
    version: version && epoch !== undefined && epoch !== '0' ? `${epoch}:${version}` : version || undefined,
  };
}

function parse(purl: string): PackageURL | undefined {
  if (purl.length > longestPurl) return undefined;
  try {
    return PackageURL.fromString(purl);
  } catch {
    return undefined;
  }
}

/** `jammy`, `ubuntu-22.04`, `ubuntu/jammy` and `alpine-3.19.1` are all in use. */
function releaseOfDistro(namespace: string, distro: string | undefined): string | undefined {
  if (distro === undefined || !['debian', 'ubuntu', 'alpine'].includes(namespace)) return undefined;
  const name = distro.replace(/^(debian|ubuntu|alpine)[-/]/, '').replace(/^esm-\w+\//, '');
  const release = namespace === 'alpine' ? /^v?(\d+\.\d+|edge)/.exec(name)?.[1] : name;
  return release !== undefined && /^[a-z0-9.]+$/.test(release) ? `${namespace}:${release}` : undefined;
}

function releaseOfPlatforms(platforms: readonly string[]): string | undefined {
  for (const platform of platforms) {
    const red = /^cpe:\/[ao]:redhat:enterprise_linux:(\d+)(?:\.\d+)?(?::|$)/.exec(platform)?.[1];
    if (red !== undefined) return `rhel:${red}`;
    const [, suse, pack] = /^cpe:\/o:suse:sles:(\d+)(?::sp(\d+))?(?::|$)/.exec(platform) ?? [];
    if (suse !== undefined) return `sles:${suse}${pack === undefined ? '' : `.${pack}`}`;
    const leap = /^cpe:\/o:opensuse:leap:(\d+\.\d+)(?::|$)/.exec(platform)?.[1];
    if (leap !== undefined) return `opensuse-leap:${leap}`;
  }
  return undefined;
}
