import type { FileTree } from '../file-tree.ts';
import type { Kernel } from '../types.ts';
import { compareReleases } from './compare-releases.ts';
import type { GrubEntry, GrubMenu } from './parse-grub-menu.ts';

const maximumKernels = 1000;
/** Left by package managers and editors; no boot menu lists them. */
const leftover = /\.(?:dpkg-[a-z]+|rpm(?:save|new)|new|bak)$/;
const releaseShape = /^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,127}$/;

/**
 * The kernels of a guest, newest first: what has an image below /boot, or modules below /lib/modules.
 * Only the first thousand names are looked at.
 */
export function readKernels(tree: FileTree, menu: GrubMenu | undefined): readonly Kernel[] {
  const boot = tree.names('/boot');
  const images = byRelease(boot, /^vmlinu[xz]-(.+)$/, '/boot');
  const initramfses = byRelease(boot, /^(?:initrd\.img-(.+)|initramfs-(.+)\.img)$/, '/boot');
  const modules = byRelease(tree.names('/lib/modules'), /^([0-9].*)$/, '/lib/modules');
  const listed = new Set((menu?.entries ?? []).map(releaseOf));
  const byDefault = menu?.defaultEntry === undefined ? undefined : releaseOf(menu.defaultEntry);
  return [...new Set([...images.keys(), ...modules.keys()])]
    .toSorted((a, b) => compareReleases(b, a))
    .map((release) => ({
      release,
      ...optional('image', images.get(release)),
      ...optional('initramfs', initramfses.get(release)),
      ...optional('modules', modules.get(release)),
      inBootMenu: listed.has(release),
      bootsByDefault: byDefault === release,
    }));
}

/** The release of the kernel that an entry of the menu starts. */
function releaseOf({ kernel }: GrubEntry): string | undefined {
  return /(?:^|\/)vmlinu[xz]-([^/]+)$/.exec(kernel ?? '')?.[1];
}

function byRelease(
  names: readonly string[],
  pattern: RegExp,
  directory: string,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of names.slice(0, maximumKernels)) {
    const [, first, second] = pattern.exec(name) ?? [];
    const release = first ?? second ?? '';
    if (releaseShape.test(release) && !leftover.test(name)) found.set(release, `${directory}/${name}`);
  }
  return found;
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: string });
}
