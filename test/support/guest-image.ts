/** Copies of guest images, and changes made to them by their own programs. */
import { runProgramOrFail } from '../../src/lib/run-program.ts';

/** A writable copy; cheap where the filesystem shares blocks, without the holes everywhere. */
export async function copyGuestImage(image: string, copy: string): Promise<void> {
  await runProgramOrFail({
    file: 'cp',
    args: ['--reflink=auto', '--sparse=always', '--no-preserve=mode', '--', image, copy],
    timeoutSeconds: 300,
  });
}

export interface ChangeGuestOptions {
  /** A raw disk whose first partition starts at 1 MiB. */
  readonly image: string;
  /** Shell, run as root; the guest's tree is at `$root`. */
  readonly script: string;
  /** Seen by the script as `$files`. */
  readonly files?: string;
}

/** Changes a disk from a mount namespace of its own: what is mounted goes with it. */
export async function changeGuestImage({
  image,
  script,
  files = '/nonexistent',
}: ChangeGuestOptions): Promise<void> {
  const steps = [
    'set -e',
    'root=$(mktemp -d)',
    'trap "umount $root; rmdir $root" EXIT',
    'mount -t ext4 -o loop,offset=1048576 -- "$image" "$root"',
    script,
  ];
  await runProgramOrFail({
    file: 'unshare',
    args: ['--mount', '--propagation=slave', 'bash', '-c', steps.join('\n')],
    environment: { image, files, DEBIAN_FRONTEND: 'noninteractive', TMPDIR: process.env.TMPDIR ?? '/tmp' },
    timeoutSeconds: 120,
  });
}

/** Reads one file of a raw disk whose first partition starts at 1 MiB, by a foreign program. */
export async function readGuestFile(image: string, path: string): Promise<string> {
  const { stdout } = await runProgramOrFail({
    file: 'debugfs',
    args: ['-R', `cat ${path}`, `${image}?offset=1048576`],
    timeoutSeconds: 20,
  });
  return stdout;
}

/** Where images are kept that take minutes to make: the demo's place too. */
export const imageCacheDirectory = '/var/cache/coldpatch';
