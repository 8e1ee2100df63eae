import type { OpenedImage } from '../disk/types.ts';
import type { Gap } from '../lib/gap.ts';
import { type ReadBootSetup, readBootSetup } from './boot/read-boot-setup.ts';
import { readKernels } from './boot/read-kernels.ts';
import type { FileTree } from './file-tree.ts';
import { findHibernation } from './find-hibernation.ts';
import { findRoot } from './find-root.ts';
import { readIdentity } from './identity/read-identity.ts';
import { type GuestMount, mountGuest } from './mount-guest.ts';
import { type DetectedSystem, detectOperatingSystem } from './operating-systems/detect-operating-system.ts';
import { findOwnReaders } from './operating-systems/find-own-readers.ts';
import { packageManagers } from './package-managers/registry.ts';
import type { PackageDatabase, PackageManagerId } from './package-managers/types.ts';
import type { FstabEntry } from './parse-fstab.ts';
import { readOrGap } from './read-or-gap.ts';
import { type Freshness, readFreshness } from './state/read-freshness.ts';
import type { Guest, OperatingSystem } from './types.ts';

/** Everything of a guest that other rooms may need. */
export interface GuestReading extends GuestState {
  /**
   * Undefined when there is no root, no system that we know, or no records of its packages; and for a system that
   * ostree deploys, which is not upgraded package by package.
   */
  readonly guest?: Guest;
  /** What was read of a root on which no known system was found, too. */
  readonly partial: Partial<Pick<Guest, 'operatingSystem' | 'packages' | 'kernels' | 'boot' | 'identity'>>;
  /** The guest's files; undefined when no root was found. */
  readonly tree?: FileTree;
  /** The root first. */
  readonly mounts: readonly GuestMount[];
  readonly fstab: readonly FstabEntry[];
  /** The line of the fstab for `/`. */
  readonly rootEntry?: FstabEntry;
  readonly grubMenu?: NonNullable<ReadBootSetup['grubMenu']>;
  readonly database?: PackageDatabase;
  /** Undefined when there is no root. */
  readonly freshness?: Freshness;
  /** Those of the image and of its guest. */
  readonly gaps: readonly Gap[];
}

export interface GuestState {
  /** False when a filesystem of the guest was not unmounted. */
  readonly clean: boolean;
  /** The swap area in which the machine sleeps. */
  readonly hibernatedIn?: string;
}

/** Reads the guest of an opened image. Never throws for what the image holds: what cannot be read is a gap. */
export function readGuest(image: OpenedImage): GuestReading {
  const gaps: Gap[] = [...image.gaps];
  const root = findRoot(image.volumes, gaps);
  if (root === undefined) {
    gaps.push({ where: 'image', reason: 'missing', detail: 'no root of an operating system was found' });
    const hibernatedIn = findHibernation(image.volumes, undefined, [], gaps);
    return {
      partial: {},
      mounts: [],
      fstab: [],
      clean: image.volumes.every(({ filesystem }) => filesystem?.clean !== false),
      ...(hibernatedIn !== undefined && { hibernatedIn }),
      gaps: withoutRepeats(gaps),
    };
  }
  const { tree, mounts, fstab } = mountGuest(root, image.volumes, gaps);
  const detected = detectOperatingSystem(tree, gaps);
  const database = readPackages(tree, detected?.family.packageManager, gaps);
  const system = detected && confirm(detected, database, gaps);
  const { boot, grubMenu } = readBootSetup(image, tree, gaps);
  const kernels = readOrGap('/boot', gaps, () => readKernels(tree, grubMenu)) ?? [];
  const own = readOrGap('operating system', gaps, () => findOwnReaders(tree));
  const identity = own ? own.readIdentity(tree, gaps) : readIdentity(tree, gaps);
  const hibernatedIn =
    own?.findHibernation(tree, gaps) ?? findHibernation(image.volumes, tree, root.fstab, gaps);
  const freshness = own ? own.readFreshness(tree, gaps) : readFreshness(tree, gaps);
  const operatingSystem = system && describe(system, database);
  const packages = (database?.packages ?? []).map(({ name, version, architecture, manager }) => ({
    name,
    version,
    architecture,
    manager,
  }));
  const rootEntry = root.fstab.find(({ path }) => path === '/');
  const partial = { ...(operatingSystem && { operatingSystem }), packages, kernels, boot, identity };
  const allGaps = withoutRepeats(gaps);
  const guest: Guest | undefined =
    operatingSystem && database && root.deployment === undefined
      ? {
          operatingSystem,
          mounts: mounts.map(({ path, volume }) => ({ path, volume: volume.name })),
          packages,
          kernels,
          boot,
          identity,
          gaps: allGaps,
        }
      : undefined;
  return {
    ...(guest && { guest }),
    partial,
    tree,
    mounts,
    fstab,
    ...(rootEntry && { rootEntry }),
    ...(grubMenu && { grubMenu }),
    ...(database && { database }),
    freshness,
    clean: mounts.every(({ filesystem }) => filesystem.clean),
    ...(hibernatedIn !== undefined && { hibernatedIn }),
    gaps: allGaps,
  };
}

/**
 * By the evidence of the files: the package manager of the system that os-release names, or the first of the others
 * that has packages. Those of one that is merely installed, as rpm may be on Debian, are a gap.
 */
function readPackages(
  tree: FileTree,
  expected: PackageManagerId | undefined,
  gaps: Gap[],
): PackageDatabase | undefined {
  const present = packageManagers
    .toSorted((a, b) => Number(b.id === expected) - Number(a.id === expected))
    .filter((manager) => readOrGap('package database', gaps, () => manager.detect(tree))?.answer === 'yes');
  let database: PackageDatabase | undefined;
  for (const manager of present) {
    const found = readOrGap('package database', gaps, () => manager.read(tree));
    // Another manager's packages would be a wrong answer.
    if (found === undefined && manager.id === expected) return undefined;
    if (found === undefined) continue;
    if (database === undefined) {
      database = found;
      gaps.push(...found.gaps);
      continue;
    }
    const detail = `${found.packages.length} packages of ${found.manager}, besides those of ${database.manager}`;
    gaps.push({ where: 'package database', reason: 'unsupported', detail });
  }
  if (present.length === 0) {
    gaps.push({ where: 'package database', reason: 'missing', detail: 'no known records of packages' });
  }
  return database;
}

/** os-release is evidence and no proof: the packages must not contradict it. */
function confirm(
  system: DetectedSystem,
  database: PackageDatabase | undefined,
  gaps: Gap[],
): DetectedSystem | undefined {
  const { family, release } = system;
  const wanted = family.releasePackage?.(release);
  if (database === undefined || wanted === undefined) return system;
  if (database.packages.some(({ name }) => wanted.test(name))) return system;
  const detail = `the system calls itself ${release.id}, but no package of ${database.manager} is of its release`;
  gaps.push({ where: 'operating system', reason: 'corrupt', detail });
  return undefined;
}

function describe({ release }: DetectedSystem, database: PackageDatabase | undefined): OperatingSystem {
  return {
    id: release.id,
    versionId: release.versionId,
    versionCodename: release.versionCodename,
    prettyName: release.prettyName,
    architecture: database?.architecture ?? '',
    ...(release.edition !== undefined && { edition: release.edition }),
    ...(release.installedAt !== undefined && { installedAt: release.installedAt }),
  };
}

/** Several readers may have met the same damage. */
function withoutRepeats(gaps: readonly Gap[]): readonly Gap[] {
  return [...new Map(gaps.map((gap) => [`${gap.where}\n${gap.reason}\n${gap.detail}`, gap])).values()];
}
