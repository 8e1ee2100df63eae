/** A program of this host, the Debian package that brings it, and what it is for. */
export interface HostProgram {
  readonly program: string;
  readonly package: string;
  readonly purpose: string;
  readonly required: boolean;
}

/** Every program that coldpatch starts, by the name of its check. */
export const hostPrograms: readonly HostProgram[] = [
  needed('apt-get', 'apt', 'solves plans'),
  needed('dpkg', 'dpkg', 'audits the packages of a copy'),
  needed('dpkg-deb', 'dpkg', 'reads packages'),
  needed('gpgv', 'gpgv', 'checks the signatures of repositories'),
  needed('qemu-img', 'qemu-utils', 'works on images'),
  needed('qemu-io', 'qemu-utils', 'makes holes in copies of disks'),
  needed('qemu-storage-daemon', 'qemu-system-common', 'locks images, and shows a copy as a disk'),
  ofNamespace('fusermount3', 'fuse3', 'mounts what qemu-storage-daemon exports'),
  ofNamespace('mount', 'mount', 'mounts a copy'),
  ofNamespace('losetup', 'mount', 'finds loop devices'),
  ofNamespace('findmnt', 'util-linux', 'finds mounts'),
  ofNamespace('e2fsck', 'e2fsprogs', 'checks the filesystems of a copy'),
  ofNamespace('systemd-nspawn', 'systemd-container', 'runs package scripts without a network'),
  needed('tar', 'tar', 'carries the package pool to another host'),
  needed('unshare', 'util-linux', 'makes private namespaces'),
  ofNamespace('nsenter', 'util-linux', 'works in private namespaces'),
  needed('setpriv', 'util-linux', 'ends programs with coldpatch'),
  needed('flock', 'util-linux', 'keeps two runs apart'),
  needed('fallocate', 'util-linux', 'takes room for the copies that a running QEMU makes'),
  { program: 'virsh', package: 'libvirt-clients', purpose: 'reads machines of libvirt', required: false },
  { program: 'swtpm', package: 'swtpm', purpose: 'starts copies of virtual TPMs', required: false },
  needed('apt-cache', 'apt', 'finds the kernel of the appliance'),
  needed('mke2fs', 'e2fsprogs', 'makes the disks of the appliance'),
  needed('prlimit', 'util-linux', 'limits the machines that coldpatch starts'),
  needed('qemu-system-x86_64', 'qemu-system-x86', 'runs the appliance, in which images are upgraded'),
];

function needed(program: string, packageName: string, purpose: string): HostProgram {
  return { program, package: packageName, purpose, required: true };
}

/** Updates work without: the default engine is `appliance`. */
function ofNamespace(program: string, packageName: string, purpose: string): HostProgram {
  return { program, package: packageName, purpose: `${purpose}, for the engine namespace`, required: false };
}
