import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from '../../../src/lib/start-program.ts';

/** The filesystem under test: how it is made, and mounted so that it hides no missing fsync. */
export interface FilesystemKind {
  readonly name: string;
  readonly bytes: number;
  readonly make: readonly [string, ...string[]];
  readonly mountOptions: string;
}

export const filesystemKinds = {
  // By default ext4 writes out what a rename replaces, which would hide a missing fsync.
  ext4: {
    name: 'ext4',
    bytes: 48 * 1024 * 1024,
    make: ['mkfs.ext4', '-q', '-F', '-J', 'size=4', '-E', 'lazy_itable_init=0,lazy_journal_init=0'],
    mountOptions: 'noauto_da_alloc',
  },
  xfs: { name: 'xfs', bytes: 304 * 1024 * 1024, make: ['mkfs.xfs', '-q', '-f'], mountOptions: 'defaults' },
} as const satisfies Record<string, FilesystemKind>;

export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

/** Mounts an image for as long as `work` takes. */
export async function withMounted<Result>(
  image: string,
  mountPoint: string,
  { mountOptions }: FilesystemKind,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  run('mount', '-o', `loop,${mountOptions}`, image, mountPoint);
  try {
    return await work();
  } finally {
    run('umount', mountPoint);
  }
}

/** A disk image with a fresh filesystem. */
export function makeDisk(path: string, { bytes, make }: FilesystemKind): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
  const [program, ...args] = make;
  run(program, ...args, path);
}

/**
 * Mounts `image` through QEMU, which logs every request to `log`, for as long as `work` takes.
 * What is in `image` afterwards is what a clean unmount left.
 */
export async function withLogged(
  {
    folder,
    image,
    log,
    mountPoint,
  }: { readonly folder: string; readonly image: string; readonly log: string; readonly mountPoint: string },
  kind: FilesystemKind,
  work: () => Promise<void>,
): Promise<void> {
  const exported = join(folder, 'exported');
  writeFileSync(exported, '');
  writeFileSync(log, '');
  truncateSync(log, 4 * 1024 ** 3);
  const node = (name: string, filename: string): string[] => [
    '--blockdev',
    JSON.stringify({ driver: 'file', 'node-name': name, filename }),
  ];
  const logged = {
    driver: 'blklogwrites',
    'node-name': 'logged',
    file: 'disk',
    log: 'log',
    'log-sector-size': 512,
  };
  const fuse = { type: 'fuse', id: 'fuse', 'node-name': 'logged', mountpoint: exported, writable: true };
  const daemon = await startProgram({
    file: 'qemu-storage-daemon',
    args: [
      ...node('disk', image),
      ...node('log', log),
      '--blockdev',
      JSON.stringify(logged),
      '--export',
      JSON.stringify(fuse),
    ],
    ready: { poll: async () => run('stat', '-c', '%s', exported).trim() === String(kind.bytes) },
    startTimeoutSeconds: 60,
  });
  try {
    await withMounted(exported, mountPoint, kind, work);
  } finally {
    await daemon.stop();
    rmSync(exported, { force: true });
  }
}
