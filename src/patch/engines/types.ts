import type { Accelerator } from '../../appliance/types.ts';
import type { WritableFormatId } from '../../disk/image-formats/types.ts';
import type { PartitionTableId } from '../../disk/partition-tables/types.ts';
import type { GrubMenu } from '../../guest/boot/parse-grub-menu.ts';
import type { FstabEntry } from '../../guest/parse-fstab.ts';
import type { GuestMount } from '../../guest/mount-guest.ts';
import type { ReadyPackage } from '../../upgrades/pool/ensure-unpacked.ts';
import type { Check } from '../verification/types.ts';

export type EngineId = 'namespace' | 'appliance' | 'boot';

/** A complete, private copy of an image: the only thing that an engine may write to. */
export interface ImageCopy {
  readonly path: string;
  readonly format: WritableFormatId;
  /** Backing files of the copy, nearest first: opened read only, never probed. */
  readonly backing: readonly { readonly path: string; readonly format: WritableFormatId }[];
}

/** What an engine must know of the guest, as it was inspected in the original. */
export interface EngineGuest {
  /** The root first. */
  readonly mounts: readonly GuestMount[];
  readonly rootEntry?: FstabEntry;
  readonly partitionTable?: PartitionTableId;
  readonly grubMenu?: GrubMenu;
  readonly hasPolicyRcD: boolean;
}

/** What an engine must know of this host. */
export interface EngineHost {
  readonly cacheDirectory: string;
  /** How long a guest may take to show that KVM works. */
  readonly kvmProbeSeconds: number;
  /** How long the upgrade of one copy may take. */
  readonly upgradeSeconds: number;
  /** What a run may read from and write to its copy; as fast as it goes unless given. */
  readonly ioBytesPerSecond?: number | undefined;
}

/** A copy that is only looked at. */
export interface CheckInput {
  readonly copy: ImageCopy;
  readonly mounts: readonly GuestMount[];
  /** An empty directory; the caller removes it. */
  readonly workDirectory: string;
  readonly host: EngineHost;
  readonly signal: AbortSignal;
}

export interface EngineInput {
  readonly host: EngineHost;
  readonly copy: ImageCopy;
  readonly guest: EngineGuest;
  /** Files of the planned packages on this host, verified, and without compression where there was room for that. */
  readonly packages: readonly ReadyPackage[];
  /** An empty directory on the host for the run; the caller removes it. */
  readonly workDirectory: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: EngineProgress) => void;
  /** For an engine that starts the copy itself. */
  readonly startCopy: StartCopy;
}

/** A start of the copy, in which it does a job. */
export interface CopyStart {
  /** Written by its own system. */
  readonly copy: ImageCopy;
  /** A raw disk that it sees read only, with the serial `coldpatch-job`. */
  readonly jobDisk: string;
  readonly accelerator: Accelerator;
  /** How long the job may take, from when the system is up. */
  readonly seconds: number;
  /** An empty directory; the caller removes it. */
  readonly workDirectory: string;
  readonly signal: AbortSignal;
  /** When its system is up. */
  readonly onUp: () => void;
  /** What the job printed, and what it answered; neither is to be believed. */
  readonly onLine: (line: string) => void;
  readonly onResult: (words: string) => void;
}

/**
 * Starts the copy as its machine would, but without a network, and waits until its job has ended and it has switched
 * itself off: then what its disk was told is in the file.
 *
 * @returns the exit code that the job claims. One other than 0 is answered at once: such a copy is worth nothing.
 * @throws ColdpatchError `guest_not_started`, `guest_ended_early`, `guest_timeout`, `guest_protocol`,
 * `host_tool_missing`, `host_tool_failed`.
 */
export type StartCopy = (start: CopyStart) => Promise<number>;

export interface EngineProgress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly detail: string;
}

export interface EngineResult {
  /** What the package manager printed. */
  readonly log: string;
  /** Releases of the kernels whose initramfs was built. */
  readonly initramfsBuilt: readonly string[];
  readonly bootMenuWritten: boolean;
  /** What kept guest code from the host in this run, when it is not what the engine says. */
  readonly isolation?: string;
  /** What packages asked of the running machine that a copy cannot do: to be done after the next start. */
  readonly postponed: readonly string[];
  /** Units of the started copy that failed in the course of the upgrade, as it says. */
  readonly failedUnits?: readonly string[];
}

/** Of a planned package, in bytes. */
export interface PackageSizes {
  /** Of its file. */
  readonly size: number;
  /** As its control file says; undefined when that says nothing. */
  readonly installedSize: number | undefined;
}

/** Carries out a plan on a copy. */
export interface Engine {
  readonly id: EngineId;
  /** Part of every cache key: raise it whenever the engine does something differently. */
  readonly revision: number;
  /** Why it needs an image that the operator declares trusted; undefined when it does not. */
  readonly trustReason?: string;
  /** What keeps guest code from the host, and what does not: for the report. */
  readonly isolation: string;
  /** What a run takes of the memory of the host, at about; programs of the image may take more of it in `namespace`. */
  readonly memoryBytes: number;
  /** Why it needs root; undefined when it does not. */
  readonly rootReason?: string;
  /** Whether it can mount this, and so change what is there. What it cannot mount is only read. */
  canMount(mount: Pick<GuestMount, 'filesystem' | 'volume'>): boolean;
  /** The filesystems that it mounts, as it says it in an error. */
  readonly mountable: string;
  /** True when it starts the copy itself, whose system then mounts and changes whatever it finds. */
  readonly startsCopy?: true;
  /** Asked before any work. @throws ColdpatchError `appliance_missing`. */
  assertReady?(host: EngineHost): Promise<void>;
  /**
   * The most that a run takes on the filesystem of its working directory, beside the copy as it is before; only what
   * the copy grows by when it is absent.
   * @param growth bytes that the copy grows by at most.
   */
  hostBytes?(growth: bigint, packages: readonly PackageSizes[]): bigint;
  /** @throws ColdpatchError `package_script_failed`, `engine_failed`, `guest_space`, `host_space`, `host_tool_missing`,
   * `appliance_failed`, `appliance_timeout`, and what `StartCopy` throws. */
  run(input: EngineInput): Promise<EngineResult>;
  /** The checks of an upgraded copy that need programs: of its filesystems, and of the package records. */
  checkFromOutside(input: CheckInput): Promise<readonly Check[]>;
}
