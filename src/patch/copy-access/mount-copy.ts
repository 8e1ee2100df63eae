import { mkdir } from 'node:fs/promises';
import type { GuestMount } from '../../guest/mount-guest.ts';
import type { HostNamespace } from './host-namespace.ts';
import { placeOnDisk } from './place-on-disk.ts';

export interface MountedCopy {
  /** The guest's root, as the namespace sees it. */
  readonly root: string;
  /** The loop device of each filesystem, by the UUID of the filesystem. */
  readonly devices: ReadonlyMap<string, string>;
  /** Writes to the copy's file what its filesystems hold in memory until now. */
  writeBack(): Promise<void>;
  /** Writes everything back and unmounts; an error of the disk shows here at the latest. */
  unmount(): Promise<void>;
}

/** Mounts the guest's filesystems from `disk` at `root` inside `namespace`. */
export async function mountCopy(
  namespace: HostNamespace,
  disk: string,
  mounts: readonly GuestMount[],
  root: string,
  mode: 'writable' | 'read-only',
): Promise<MountedCopy> {
  await mkdir(root, { recursive: true });
  const devices = new Map<string, string>();
  for (const { path, volume, filesystem } of mounts) {
    const mountPoint = path === '/' ? root : `${root}${path}`;
    const range = `offset=${placeOnDisk(volume)},sizelimit=${volume.size}`;
    // The copy is disposable until its one real sync: the journal need not be written every five seconds, and a file that
    // takes the place of another one need not be written before its rename. What mkfs left to do later is left so.
    // A read-only mount of a filesystem that was unmounted needs nothing from its journal.
    const options =
      mode === 'writable'
        ? 'rw,noatime,nodev,nosuid,commit=300,noauto_da_alloc,noinit_itable'
        : 'ro,noload,noatime,nodev,nosuid,noexec';
    await namespace.runOrFail({
      file: 'mount',
      args: ['-t', 'ext4', '-o', `loop,${range},${options}`, '--', disk, mountPoint],
      timeoutSeconds: 60,
    });
    const source = await namespace.runOrFail({
      file: 'findmnt',
      args: ['--noheadings', '--output', 'SOURCE', '--mountpoint', mountPoint],
      timeoutSeconds: 10,
    });
    devices.set(filesystem.uuid, source.stdout.trim());
  }
  const writeBack = async (): Promise<void> => {
    for (const { path } of mounts) {
      await namespace.runOrFail({ file: 'sync', args: ['-f', `${root}${path}`], timeoutSeconds: 600 });
    }
  };
  return {
    root,
    devices,
    writeBack,
    async unmount() {
      if (mode === 'writable') await writeBack();
      await namespace.runOrFail({ file: 'umount', args: ['--recursive', '--', root], timeoutSeconds: 600 });
    },
  };
}
