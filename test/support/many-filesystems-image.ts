/** A system whose root is XFS, with /opt in a subvolume of btrfs, and an EFI system partition. */
import { runProgramOrFail } from '../../src/lib/run-program.ts';

export interface ManyFilesystemsOptions {
  /** A raw disk whose first partition, at 1 MiB, is ext4 and holds the system. */
  readonly from: string;
  readonly to: string;
  /** Empty; for the making. */
  readonly directory: string;
}

const rootUuid = '33333333-4444-4555-8666-777777777777';
const mebibytes = { root: 400, opt: 160, firmware: 34 };

/** Makes it in a mount namespace of its own: what is mounted goes with it. */
export async function makeManyFilesystemsImage({
  from,
  to,
  directory,
}: ManyFilesystemsOptions): Promise<void> {
  const { root, opt, firmware } = mebibytes;
  const starts = { root: 1, opt: 1 + root, firmware: 1 + root + opt };
  const steps = [
    'set -e; cd "$directory"; mkdir old new',
    `truncate -s ${root}M root; truncate -s ${opt}M opt; truncate -s ${firmware}M firmware`,
    `mkfs.xfs -q -m uuid=${rootUuid} root`,
    'mkfs.btrfs -q -L coldpatch-opt opt',
    'mkfs.fat -i 1234ABCD firmware > /dev/null',
    'mount -o loop,offset=1048576,ro -- "$from" old; mount -o loop root new',
    'cp -a old/. new/',
    'mkdir -p new/boot/efi',
    `printf '%s\\n' 'UUID=${rootUuid} / xfs defaults 0 0' 'LABEL=coldpatch-opt /opt btrfs subvol=@opt 0 0' 'UUID=1234-ABCD /boot/efi vfat umask=0077 0 1' > new/etc/fstab`,
    'umount old new',
    'mount -o loop opt new; btrfs -q subvolume create new/@opt; umount new',
    `truncate -s ${2 + root + opt + firmware}M -- "$to"`,
    `sfdisk -q -- "$to" << END
label: gpt
start=${starts.root}MiB, size=${root}MiB, type=L
start=${starts.opt}MiB, size=${opt}MiB, type=L
start=${starts.firmware}MiB, size=${firmware}MiB, type=U
END`,
    ...(['root', 'opt', 'firmware'] as const).map(
      (name) =>
        `dd if=${name} of="$to" bs=1M seek=${starts[name]} count=${mebibytes[name]} conv=notrunc,sparse status=none`,
    ),
    'rm root opt firmware; rmdir old new',
  ];
  await runProgramOrFail({
    file: 'unshare',
    args: ['--mount', '--propagation=slave', 'bash', '-c', steps.join('\n')],
    environment: { from, to, directory },
    timeoutSeconds: 300,
  });
}

/** Reads files of such an image by the host's kernel: of the root, of `/opt`, and of the EFI system partition. */
export async function readManyFilesystemsImage(image: string, directory: string): Promise<readonly string[]> {
  const { root, opt } = mebibytes;
  const steps = [
    'set -e; cd "$directory"; mkdir -p tree',
    `mount -t xfs -o ro,norecovery,loop,offset=${1024 ** 2} -- "$image" tree; cat tree/usr/share/app/version; umount tree`,
    `mount -t btrfs -o ro,subvol=@opt,loop,offset=${(1 + root) * 1024 ** 2} -- "$image" tree; cat tree/app/version; umount tree`,
    `mcopy -n -i "$image"@@${(1 + root + opt) * 1024 ** 2} ::/app.txt -`,
    'rmdir tree',
  ];
  const { stdout } = await runProgramOrFail({
    file: 'unshare',
    args: ['--mount', '--propagation=slave', 'bash', '-c', steps.join('\n')],
    environment: { image, directory, MTOOLS_SKIP_CHECK: '1' },
    timeoutSeconds: 120,
  });
  return stdout.trim().split('\n');
}
