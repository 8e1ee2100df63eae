import type { ConfigurationText } from '../../../guest/apt-configuration.ts';
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
  return staying.flatMap((selection) => {
    const { name, architecture, version } = selection;
    const candidate = newest(
      offersOf(name).filter(({ file, entry }) => file.architecture === architecture && !entry.notAutomatic),
      version,
    );
    if (candidate === version) return [];
    const path = preferences.find(({ text }) => names(text, name))?.path ?? 'the preferences of the image';
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

/** True when a paragraph of a preferences file is about the package: by its name, a pattern with `*` and `?`, or `*`. */
function names(text: string, name: string): boolean {
  const patterns = [...parseDeb822(Buffer.from(text))].flatMap((stanza) =>
    (stanza.get('Package') ?? '').split(/\s+/),
  );
  return patterns.some((pattern) => matchesGlob(pattern, name));
}

/** Without a regular expression: a pattern of an image must not cost more than its length times that of the name. */
function matchesGlob(pattern: string, name: string): boolean {
  let reached = new Set([0]);
  for (const character of pattern) {
    const next = new Set<number>();
    for (const position of reached) {
      if (character === '*') for (let end = position; end <= name.length; end += 1) next.add(end);
      else if (position < name.length && (character === '?' || character === name[position]))
        next.add(position + 1);
    }
    reached = next;
  }
  return reached.has(name.length);
}
