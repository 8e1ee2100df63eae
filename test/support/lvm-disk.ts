import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A disk whose partitions are physical volumes, made by LVM's own tools.
 * The kernel of the test machine may have no device-mapper, so nothing is ever activated: LVM only writes its metadata.
 */
export interface LvmDisk {
  readonly path: string;
  /** First byte of each partition. */
  readonly starts: readonly number[];
  /** Of each partition. */
  readonly bytes: number;
}

export const partitionBytes = 64 * 1024 * 1024;
const gap = 1024 * 1024;

/** @param folder must be empty. Root is needed: LVM reads block devices only. */
export function makeLvmDisk(
  folder: string,
  partitions: number,
  metadataCopies: readonly number[],
  bytes = partitionBytes,
): LvmDisk {
  const path = join(folder, 'disk');
  const starts = Array.from({ length: partitions }, (_, index) => gap + index * bytes);
  writeFileSync(path, '');
  truncateSync(path, gap * 2 + partitions * bytes);
  const lines = starts.map((start) => `start=${start / 512}, size=${bytes / 512}, type=V`);
  execFileSync('sfdisk', ['-q', path], { input: ['label: gpt', ...lines].join('\n'), stdio: 'pipe' });
  const disk = { path, starts, bytes };
  withLvm(disk, folder, (lvm, devices) => {
    devices.forEach((device, index) => {
      lvm('pvcreate', '--metadatacopies', `${metadataCopies[index] ?? 1}`, device);
    });
  });
  return disk;
}

export type Lvm = (command: string, ...words: readonly string[]) => string;

/** Shows the partitions to LVM as loop devices, and takes them away again. */
export function withLvm<T>(
  disk: LvmDisk,
  folder: string,
  work: (lvm: Lvm, devices: readonly string[]) => T,
): T {
  const devices: string[] = [];
  const system = join(folder, 'lvm');
  mkdirSync(system, { recursive: true });
  try {
    for (const start of disk.starts) {
      const words = ['--find', '--show', '--offset', `${start}`, '--sizelimit', `${disk.bytes}`, disk.path];
      devices.push(execFileSync('losetup', words, { encoding: 'utf8' }).trim());
    }
    const filters = [...devices.map((device) => `"a|^${device}$|"`), '"r|.*|"'].join(',');
    const config = [
      `devices{use_devicesfile=0 filter=[${filters}] global_filter=[${filters}]}`,
      'activation{udev_sync=0 udev_rules=0 monitoring=0} backup{backup=0 archive=0}',
      `global{use_lvmpolld=0 locking_dir="${system}"}`,
    ].join(' ');
    const lvm: Lvm = (command, ...words) =>
      execFileSync(command, ['--driverloaded', 'n', '--config', config, ...words], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, LVM_SUPPRESS_FD_WARNINGS: '1', LVM_SYSTEM_DIR: system },
      });
    return work(lvm, devices);
  } finally {
    for (const device of devices) execFileSync('losetup', ['--detach', device]);
  }
}

/** Adds logical volumes that LVM would not make without the kernel, in its own language, and lets LVM take them. */
export function addVolumes(lvm: Lvm, folder: string, group: string, added: string): void {
  const file = join(folder, 'group.txt');
  lvm('vgcfgbackup', '--file', file, group);
  const text = readFileSync(file, 'utf8');
  const at = text.indexOf('\tlogical_volumes {\n') + '\tlogical_volumes {\n'.length;
  writeFileSync(file, `${text.slice(0, at)}${added}${text.slice(at)}`);
  lvm('vgcfgrestore', '--force', '--yes', '--file', file, group);
}
