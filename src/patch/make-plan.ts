import type { ChangedConffile } from '../guest/package-managers/dpkg/changed-conffiles.ts';
import type { InstalledPackage } from '../guest/types.ts';
import type { PackageArrival, PackageChange, UpgradeSet } from '../upgrades/types.ts';
import { usedRepositories } from '../upgrades/used-repositories.ts';
import type { Engine } from './engines/types.ts';
import { kernelReleaseOf } from './kernel-release-of.ts';
import type { NextStartAction, UpgradePlan } from './plan.ts';

export interface PlanInput {
  readonly image: string;
  readonly upgrades: UpgradeSet;
  readonly engine: Engine;
  readonly engineReason: string;
  readonly installed: readonly (InstalledPackage & { readonly installedSize: number })[];
  /** Of the packages that change. */
  readonly changedConffiles: readonly ChangedConffile[];
  /** Bytes that root may still write in the guest. */
  readonly freeBytes: number;
}

/** Puts together what an upgrade would do. */
export function makePlan(input: PlanInput): UpgradePlan {
  const { changes, keptBack, snapshot, skipped } = input.upgrades;
  const arrivals = changes.filter((change): change is PackageArrival => change.to !== null);
  return {
    image: input.image,
    changes: changes.map((change) => ({
      name: change.name,
      architecture: change.architecture,
      from: change.from,
      to: change.to,
      suite: change.to === null ? null : change.suite,
      downloadSize: change.to === null ? 0 : change.file.size,
    })),
    held: keptBack.map(({ name, architecture, installed, candidate, reason }) => ({
      name,
      architecture,
      version: installed,
      candidate,
      reason,
    })),
    engine: { id: input.engine.id, reason: input.engineReason },
    download: { total: arrivals.reduce((sum, { file }) => sum + file.size, 0) },
    disk: { needed: neededBytes(arrivals, input.installed), free: input.freeBytes },
    changedConffiles: input.changedConffiles,
    atNextStart: changes.flatMap(nextStartActions),
    repositories: usedRepositories(snapshot),
    skippedSources: skipped,
  };
}

/** For each new kernel: its initramfs, and a second one while it is written. */
const initramfsBytes = 2 * 160 * 1024 * 1024;
const workingBytes = 32 * 1024 * 1024;

/**
 * The most that the guest's filesystems must take at once: dpkg unpacks each package beside its old files,
 * so the largest package counts whole on top of the growth of all.
 */
function neededBytes(arrivals: readonly PackageArrival[], installed: PlanInput['installed']): number {
  const sizes = new Map(installed.map((item) => [`${item.name}:${item.architecture}`, item.installedSize]));
  let growth = 0;
  let largest = 0;
  for (const { name, architecture, installedSize = 0 } of arrivals) {
    growth += Math.max(0, installedSize - (sizes.get(`${name}:${architecture}`) ?? 0));
    largest = Math.max(largest, installedSize);
  }
  const kernels = arrivals.filter(
    ({ name, from }) => from === null && kernelReleaseOf(name) !== undefined,
  ).length;
  return arrivals.length === 0 ? 0 : growth + largest + kernels * initramfsBytes + workingBytes;
}

function nextStartActions(change: PackageChange): readonly NextStartAction[] {
  if (change.to === null) return [];
  const release = kernelReleaseOf(change.name);
  if (release !== undefined) return [{ package: change.name, action: `starts kernel ${release}` }];
  if (/^(grub-(pc|efi-amd64|efi-arm64|efi-ia32)(-signed)?|shim-signed)$/.test(change.name)) {
    return [
      {
        package: change.name,
        action: "run grub-install once: the boot loader's code outside the filesystem stays the old one",
      },
    ];
  }
  return [];
}
