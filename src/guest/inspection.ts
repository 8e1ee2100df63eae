import type { Gap } from '../lib/gap.ts';
import type { Freshness } from './state/read-freshness.ts';
import type { BrokenPackage } from './package-managers/types.ts';
import type { BootSetup, Identity, InstalledPackage, Kernel, OperatingSystem } from './types.ts';

/**
 * What `coldpatch inspect --json` prints. The names are fixed: scripts rely on them.
 * Sizes and offsets are bytes. What does not apply or was not read is null.
 */
export interface Inspection {
  readonly image: InspectedFile & {
    /** The image first, then its backing files. */
    readonly chain: readonly InspectedFile[];
  };
  readonly layout: {
    readonly partitionTable: string | null;
    readonly volumes: readonly InspectedVolume[];
  };
  readonly operatingSystem: OperatingSystem | null;
  readonly packages: readonly InstalledPackage[];
  readonly kernels: readonly Kernel[];
  readonly boot: BootSetup | null;
  readonly identity: Identity | null;
  readonly state: Freshness & {
    /** Every filesystem of the guest was unmounted. */
    readonly clean: boolean;
    readonly hibernated: boolean;
    readonly brokenPackages: readonly BrokenPackage[];
  };
  readonly gaps: readonly Gap[];
}

export interface InspectedFile {
  readonly path: string;
  readonly format: string;
  /** How the whole file is compressed. */
  readonly compression: string | null;
  /** Of the disk that the machine sees. */
  readonly virtualSize: number;
  readonly fileSize: number;
}

export interface InspectedVolume {
  readonly name: string;
  /** On the disk; null for a volume of a volume manager. */
  readonly start: number | null;
  readonly size: number;
  /** Of the partition: two hexadecimal digits (MBR, BSD) or a GUID (GPT). */
  readonly type: string | null;
  /** The volume manager that made it out of others. */
  readonly manager: string | null;
  /** The volume manager, or the encryption, that it belongs to. */
  readonly container: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly filesystem: string | null;
  readonly free: number | null;
  readonly clean: boolean | null;
  readonly mountPoint: string | null;
}
