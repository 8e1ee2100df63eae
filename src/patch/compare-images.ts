import { type InspectRequest, openRequestedImage } from '../guest/open-requested-image.ts';
import { type GuestReading, readGuest } from '../guest/read-guest.ts';
import type { InstalledPackage } from '../guest/types.ts';
import type { Gap } from '../lib/gap.ts';
import { recordChanges } from './recording/record-changes.ts';
import type { RecordedChange } from './recording/types.ts';

export interface PackageDifference {
  readonly name: string;
  readonly architecture: string;
  /** Null when only the other image has it. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What two images differ in. The names are fixed: scripts rely on them. */
export interface ImageDifferences {
  readonly packages: readonly PackageDifference[];
  readonly files: readonly RecordedChange[];
  /** What was not compared, because it was not read in one of them. */
  readonly gaps: readonly Gap[];
}

/** Compares the packages and the files of two images, mounted as their guests would. Times alone are no difference. */
export function compareImages(before: InspectRequest, after: InspectRequest): ImageDifferences {
  const opened = [before, after].map(openRequestedImage);
  try {
    const [old, now] = opened.map((image) => readGuest(image)) as [GuestReading, GuestReading];
    const unpaired: Gap[] = [];
    const pairs = old.mounts.flatMap(({ path, filesystem }) => {
      const other = now.mounts.find((mount) => mount.path === path);
      if (other) return [{ path, before: filesystem, after: other.filesystem }];
      unpaired.push({ where: path, reason: 'missing', detail: `${after.path} has nothing mounted there` });
      return [];
    });
    for (const { path } of now.mounts) {
      if (!pairs.some((pair) => pair.path === path)) {
        unpaired.push({ where: path, reason: 'missing', detail: `${before.path} has nothing mounted there` });
      }
    }
    return {
      packages: comparePackages(old.partial.packages ?? [], now.partial.packages ?? []),
      files: recordChanges(pairs).changes.filter(({ what }) => what?.join() !== 'times'),
      gaps: [...named(before.path, old.gaps), ...named(after.path, now.gaps), ...unpaired],
    };
  } finally {
    for (const { close } of opened) close();
  }
}

function named(path: string, gaps: readonly Gap[]): readonly Gap[] {
  return gaps.map((gap) => ({ ...gap, where: `${path}, ${gap.where}` }));
}

function comparePackages(
  before: readonly InstalledPackage[],
  after: readonly InstalledPackage[],
): readonly PackageDifference[] {
  const keyOf = ({ name, architecture, version }: InstalledPackage): string =>
    `${name}:${architecture} ${version}`;
  const old = new Set(before.map(keyOf));
  const now = new Set(after.map(keyOf));
  const gone = before.filter((entry) => !now.has(keyOf(entry)));
  const come = after.filter((entry) => !old.has(keyOf(entry)));
  const isSame = (a: InstalledPackage, b: InstalledPackage): boolean =>
    a.name === b.name && a.architecture === b.architecture;
  return [
    ...gone.map((entry) => ({
      name: entry.name,
      architecture: entry.architecture,
      before: entry.version,
      after: come.find((other) => isSame(entry, other))?.version ?? null,
    })),
    ...come
      .filter((entry) => !gone.some((other) => isSame(entry, other)))
      .map(({ name, architecture, version }) => ({ name, architecture, before: null, after: version })),
  ].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
