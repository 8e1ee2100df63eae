import type { UsedRepository } from '../upgrades/used-repositories.ts';
import type { ChangedConffile } from '../guest/package-managers/dpkg/changed-conffiles.ts';
import type { EngineId } from './engines/types.ts';
import type { Forecast } from './forecast/types.ts';
import type { RunningSystemNeed } from './running-system/needs-running-system.ts';

/** A package from one version to another; `from` is null for a new one, `to` for a removed one. */
export interface PlannedChange {
  readonly name: string;
  readonly architecture: string;
  readonly from: string | null;
  readonly to: string | null;
  /** The suite that brings it; null for a removal. */
  readonly suite: string | null;
  /** Bytes to fetch. */
  readonly downloadSize: number;
}

/** A package that stays as it is although something newer is published. */
export interface HeldPackage {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly candidate: string;
  readonly reason: string;
}

/** What only the running machine can do, once it is started again. */
export interface NextStartAction {
  readonly package: string;
  readonly action: string;
}

/** What an upgrade of one image would change: all that carrying it out needs. */
export interface UpgradePlan {
  readonly image: string;
  readonly changes: readonly PlannedChange[];
  readonly held: readonly HeldPackage[];
  readonly engine: { readonly id: EngineId; readonly reason: string };
  /** Bytes. */
  readonly download: { readonly total: number };
  readonly disk: {
    /** What the upgrade needs inside the guest at most, and what is free there. */
    readonly needed: number;
    readonly free: number;
  };
  /** Configuration files that the operator changed, of packages in the plan: their content is kept. */
  readonly changedConffiles: readonly ChangedConffile[];
  readonly atNextStart: readonly NextStartAction[];
  /** The repositories that were used: address, suite, and the digest of what they signed. */
  readonly repositories: readonly UsedRepository[];
  /** Sources that were not used, and why. */
  readonly skippedSources: readonly { readonly where: string; readonly reason: string }[];
}

/** What `coldpatch plan` says before anything is done. The names are fixed: scripts rely on them. */
export interface Plan extends UpgradePlan {
  /** What package scripts ask a running system for; engines that start none leave it undone, or fail. */
  readonly needsRunningSystem: readonly RunningSystemNeed[];
  /** What changes for a machine that measures how it starts. */
  readonly forecast: Forecast;
}
