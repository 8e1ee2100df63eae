import type { FileDigests } from './appliance-files.ts';

/** An appliance in the cache, whose files are what its digest says. */
export interface Appliance {
  /** SHA-256 over the digests of its files: its version. */
  readonly digest: string;
  readonly kernel: string;
  /** What it starts with. */
  readonly initramfs: string;
  /** An archive of programs and modules, which a job unpacks when it needs them. */
  readonly tools: string;
  readonly manifest: ApplianceManifest;
}

/** What an appliance was made of. */
export interface ApplianceManifest {
  readonly schema: 3;
  readonly digest: string;
  readonly kernelRelease: string;
  readonly files: FileDigests;
  readonly packages: readonly { readonly file: string; readonly sha256: string }[];
}

export type Accelerator = 'kvm' | 'tcg';
