import type { Accelerator } from '../../appliance/types.ts';

/** What the operator wants to be true inside, once the machine is up. */
export type Probe =
  | { readonly kind: 'tcp'; readonly port: number }
  /** A line for the guest's shell. */
  | { readonly kind: 'command'; readonly command: string };

/**
 * How far a machine came.
 *
 * - `no_boot_loader`: the firmware found nothing to start.
 * - `no_kernel`: something was started, and no kernel showed itself.
 * - `kernel_panic`, `emergency_mode`: also a shell of the initramfs.
 * - `no_login`: a kernel ran, but the machine was not up in time, or switched itself off.
 * - `silent`: there is a login prompt, but the job inside said nothing that can be used.
 * - `units_failed`, `probe_failed`: it is up.
 */
export type BootVerdict =
  | 'no_boot_loader'
  | 'no_kernel'
  | 'kernel_panic'
  | 'emergency_mode'
  | 'no_login'
  | 'silent'
  | 'units_failed'
  | 'probe_failed'
  | 'healthy';

/** What the job inside says. A guest can lie here, as it can on its console. */
export interface InsideReport {
  /** Of `systemctl is-system-running`. */
  readonly state: string;
  readonly failedUnits: readonly string[];
  /** In the order of the probes. */
  readonly probes: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  /** gzip of journalctl's export format, as it came; undefined when none came or it was too long. */
  readonly journal?: Buffer;
}

/** Which start of which disk: the names of its evidence begin with it. */
export type BootLabel = 'image' | 'patched-1' | 'unpatched' | 'patched-2';

/** One start of a machine. */
export interface Boot {
  readonly label: BootLabel;
  readonly verdict: BootVerdict;
  readonly detail: string;
  readonly seconds: number;
  /** Why nobody was asked inside; null when somebody was. */
  readonly notAsked: string | null;
  readonly failedUnits: readonly string[];
  /** Their names. */
  readonly failedProbes: readonly string[];
  /** File names in the folder of the evidence. */
  readonly evidence: readonly string[];
}

/** What starting an image, or an upgraded copy and then perhaps the image as it was, has shown. */
export interface BootTestResult {
  /** `not_told`: the image as it was does not start here either, so nothing is known of the upgrade. */
  readonly outcome: 'passed' | 'failed' | 'not_told';
  readonly detail: string;
  readonly accelerator: Accelerator;
  readonly firmware: 'bios' | 'uefi' | 'uefi with Secure Boot';
  readonly boots: readonly Boot[];
  /** The folder of the evidence. */
  readonly evidence: string;
}
