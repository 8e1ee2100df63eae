import type { Gap } from '../lib/gap.ts';

/** A distribution, or a family of distributions that are read alike. */
export type OperatingSystemFamilyId = 'debian' | 'ubuntu' | 'redhat' | 'suse' | 'alpine' | 'arch' | 'windows';

export interface OperatingSystem {
  /** ID of os-release: `debian`, `rocky`, `opensuse-leap`. */
  readonly id: string;
  /** VERSION_ID of os-release: `12`, `24.04`. */
  readonly versionId: string;
  readonly versionCodename: string;
  readonly prettyName: string;
  /** The package manager's name of the machine's architecture: `amd64`. */
  readonly architecture: string;
  /** Of Windows: `Professional`, `ServerStandard`. */
  readonly edition?: string;
  /** Of Windows: when it was installed, or set up anew by a large update; ISO 8601 in UTC. */
  readonly installedAt?: string;
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** `windows-update` for updates of Windows, `windows-uninstall` for programs that its list of programs names. */
  readonly manager: 'dpkg' | 'rpm' | 'apk' | 'pacman' | 'windows-update' | 'windows-uninstall';
}

export interface Kernel {
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Paths inside the guest, when they exist. */
  readonly image?: string;
  readonly initramfs?: string;
  readonly modules?: string;
  /** The boot menu has an entry that starts this kernel. */
  readonly inBootMenu: boolean;
  /** The boot menu starts this kernel when nobody chooses. */
  readonly bootsByDefault: boolean;
}

export interface BootSetup {
  readonly loader: 'grub' | 'unknown';
  /** Path of the menu inside the guest. */
  readonly menu?: string;
  /** `bios` when boot code is in the MBR or a BIOS boot partition, `uefi` when there is an EFI system partition. */
  readonly firmware: readonly ('bios' | 'uefi')[];
}

export interface HostKey {
  /** Path inside the guest. */
  readonly path: string;
  /** `ssh-ed25519`, `ssh-rsa`, ... */
  readonly type: string;
  /** As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
  readonly fingerprint: string;
}

export interface Identity {
  readonly hostName?: string;
  readonly machineId?: string;
  readonly hostKeys: readonly HostKey[];
}

/** Which filesystem holds which part of the guest's tree, from its fstab. */
export interface MountPoint {
  readonly path: string;
  /** Name of the volume, as in `layout.volumes`. */
  readonly volume: string;
}

/** What reading a switched-off image found. */
export interface Guest {
  readonly operatingSystem: OperatingSystem;
  readonly mounts: readonly MountPoint[];
  readonly packages: readonly InstalledPackage[];
  readonly kernels: readonly Kernel[];
  readonly boot: BootSetup;
  readonly identity: Identity;
  readonly gaps: readonly Gap[];
}
