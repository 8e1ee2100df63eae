import type { ConfigurationText } from '../../../guest/apt-configuration.ts';
import { matchesPattern } from '../../../guest/boot/matches-pattern.ts';
import { parseDeb822 } from '../../../guest/package-managers/dpkg/parse-deb822.ts';
import { compareDebVersions } from '../../../guest/versioning/deb/compare-deb-versions.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { KeptBackPackage } from '../../types.ts';
import type { InstalledSelection } from './installed-selections.ts';
import type { OfferedPackage, OffersOf } from './index-packages.ts';

/**
 * Packages that stay although a newer version is published, because the administrator pinned them (apt_preferences(5)).
 * What repositories offer only when asked for (NotAutomatic) does not count.
 *
 * @param staying installed packages that the plan neither changes nor lists as kept back
 */
export function findPinned(
  staying: readonly InstalledSelection[],
  offersOf: OffersOf,
  preferences: readonly ConfigurationText[],
): readonly KeptBackPackage[] {
  const fileOf = fileNaming(preferences);
  return staying.flatMap((selection) => {
    const { name, architecture, version } = selection;
    const candidate = newest(
      offersOf(name).filter(({ file, entry }) => file.architecture === architecture && !entry.notAutomatic),
      version,
    );
    if (candidate === version) return [];
    const path = fileOf(name) ?? 'the preferences of the image';
    return [{ name, architecture, installed: version, candidate, reason: `pinned by ${path}` }];
  });
}

function newest(offers: readonly OfferedPackage[], installed: string): string {
  return offers.reduce((best, { file }) => (isNewer(file.version, best) ? file.version : best), installed);
}

/** A version without an order is no reason to stop a plan: it is only not reported here. */
function isNewer(a: string, b: string): boolean {
  try {
    return compareDebVersions(a, b) > 0;
  } catch (error) {
    if (isColdpatchError(error, 'version_invalid')) return false;
    throw error;
  }
}

/** No package has a longer name. */
const longestPattern = 255;
/** Beyond these nobody is told which file it was: each costs its length for each pinned package. */
const mostPatterns = 100;

/** Which file has a paragraph about a package: by its name, or a pattern with `*` and `?`. */
function fileNaming(preferences: readonly ConfigurationText[]): (name: string) => string | undefined {
  const byName = new Map<string, string>();
  const byPattern: { readonly pattern: string; readonly path: string }[] = [];
  for (const { path, text } of preferences) {
    for (const stanza of parseDeb822(Buffer.from(text))) {
      for (const pattern of (stanza.get('Package') ?? '').split(/\s+/)) {
        if (pattern.length > longestPattern) continue;
        if (!/[*?]/.test(pattern)) byName.set(pattern, byName.get(pattern) ?? path);
        else if (byPattern.length < mostPatterns) byPattern.push({ pattern, path });
      }
    }
  }
  return (name) => byName.get(name) ?? byPattern.find(({ pattern }) => matchesPattern(name, pattern))?.path;
}
