/** A Debian package, and what shows that it is there. */
export interface SystemPackage {
  readonly name: string;
  /** Programs that it brings, or an absolute path whose last part may have `*` at its end. */
  readonly proof: readonly string[];
}

/** The Debian packages of each purpose; the reason for each is in docs/adr/0003-dependencies.md. */
export const systemPackages = {
  product: [
    { name: 'apt', proof: ['apt-get', 'apt-cache'] },
    { name: 'distro-info-data', proof: ['/usr/share/distro-info/debian.csv'] },
    { name: 'dpkg', proof: ['dpkg', 'dpkg-deb'] },
    { name: 'e2fsprogs', proof: ['e2fsck', 'mke2fs'] },
    { name: 'fuse3', proof: ['fusermount3'] },
    { name: 'gpgv', proof: ['gpgv'] },
    { name: 'mount', proof: ['mount', 'losetup'] },
    { name: 'qemu-system-common', proof: ['qemu-storage-daemon'] },
    { name: 'qemu-system-x86', proof: ['qemu-system-x86_64'] },
    { name: 'qemu-utils', proof: ['qemu-img'] },
    { name: 'swtpm', proof: ['swtpm'] },
    { name: 'systemd-container', proof: ['systemd-nspawn'] },
    { name: 'tar', proof: ['tar'] },
    { name: 'util-linux', proof: ['unshare', 'nsenter', 'setpriv', 'prlimit', 'flock'] },
  ],
  demo: [
    { name: 'fdisk', proof: ['sfdisk'] },
    { name: 'mmdebstrap', proof: ['mmdebstrap'] },
  ],
  test: [
    { name: 'acl', proof: ['setfacl'] },
    { name: 'attr', proof: ['getfattr', 'setfattr'] },
    { name: 'btrfs-progs', proof: ['mkfs.btrfs', 'btrfs'] },
    { name: 'bzip2', proof: ['bzip2'] },
    { name: 'createrepo-c', proof: ['createrepo_c', 'modifyrepo_c'] },
    { name: 'cryptsetup-bin', proof: ['cryptsetup'] },
    { name: 'db5.3-util', proof: ['db5.3_load'] },
    { name: 'dnf', proof: ['dnf'] },
    { name: 'dosfstools', proof: ['mkfs.fat'] },
    { name: 'exfat-fuse', proof: ['mount.exfat-fuse'] },
    { name: 'exfatprogs', proof: ['mkfs.exfat', 'fsck.exfat'] },
    { name: 'genisoimage', proof: ['genisoimage'] },
    { name: 'gnupg', proof: ['gpg'] },
    { name: 'libarchive-tools', proof: ['bsdtar'] },
    { name: 'libcap2-bin', proof: ['setcap'] },
    { name: 'libguestfs-tools', proof: ['virt-inspector'] },
    { name: 'libhivex-bin', proof: ['hivexregedit'] },
    { name: 'libwin-hivex-perl', proof: ['/usr/share/doc/libwin-hivex-perl'] },
    { name: 'linux-image-cloud-amd64', proof: ['/boot/vmlinuz-*'] },
    { name: 'luksmeta', proof: ['luksmeta'] },
    { name: 'lvm2', proof: ['lvcreate', 'vgcfgrestore'] },
    { name: 'makepkg', proof: ['vercmp'] },
    { name: 'mdadm', proof: ['mdadm'] },
    { name: 'mtools', proof: ['mcopy'] },
    { name: 'ntfs-3g', proof: ['mkntfs', 'ntfs-3g', 'ntfs-3g.probe', 'ntfscp', 'ntfsinfo'] },
    { name: 'openssh-client', proof: ['ssh-keygen'] },
    { name: 'pacman-package-manager', proof: ['pacman'] },
    { name: 'rpm', proof: ['rpm', 'rpmbuild'] },
    { name: 'squashfs-tools', proof: ['mksquashfs', 'unsquashfs'] },
    { name: 'strace', proof: ['strace'] },
    { name: 'thin-provisioning-tools', proof: ['thin_restore', 'thin_check'] },
    { name: 'tpm2-tools', proof: ['tpm2_unseal'] },
    { name: 'wimtools', proof: ['wimcapture'] },
    { name: 'xfsprogs', proof: ['mkfs.xfs'] },
    { name: 'xorriso', proof: ['xorriso'] },
    { name: 'xz-utils', proof: ['xz'] },
    { name: 'zstd', proof: ['zstd'] },
  ],
  bench: [
    { name: 'libguestfs-tools', proof: ['virt-customize', 'virt-inspector'] },
    { name: 'linux-image-cloud-amd64', proof: ['/boot/vmlinuz-*'] },
  ],
} as const satisfies Record<string, readonly SystemPackage[]>;
