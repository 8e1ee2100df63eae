/** An appliance in the cache, whose files are what its digest says. */
export interface Appliance {
  /** SHA-256 over the digests of kernel and initramfs: its version. */
  readonly digest: string;
  readonly kernel: string;
  readonly initramfs: string;
  readonly manifest: ApplianceManifest;
}

/** What an appliance was made of. */
export interface ApplianceManifest {
  readonly schema: 1;
  readonly digest: string;
  readonly kernelRelease: string;
  /** SHA-256 of the file. */
  readonly kernel: string;
  readonly initramfs: string;
  readonly packages: readonly { readonly file: string; readonly sha256: string }[];
}

export type Accelerator = 'kvm' | 'tcg';
