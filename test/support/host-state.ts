import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run can leave on the host, as lines that a person can act on. */
export type HostState = ReadonlySet<string>;

/** Programs that outlive a broken run, by the kernel's name of the process (at most 15 characters). */
const watchedPrograms = /^(?:qemu|systemd-nspawn|unshare|nsenter|swtpm|virtiofsd|fuse2fs|apt-get|dpkg)/;

/** Of the folder that each file of tests gets as its own. */
export const ownFolderPrefix = 'coldpatch-medium-';

/**
 * Mounts of this mount namespace, attached loop devices, watched processes, and what is in the folders `temporary`;
 * without what belongs to a file of tests that another worker runs at the same time.
 */
export function readHostState(temporary: readonly string[]): HostState {
  const lines = [...mounts(), ...loopDevices(), ...processes(), ...temporary.flatMap(entriesOf)];
  return new Set(lines.filter((line) => !namesAnotherFolder(line, temporary)));
}

function namesAnotherFolder(line: string, own: readonly string[]): boolean {
  return line.includes(`/${ownFolderPrefix}`) && !own.some((folder) => line.includes(folder));
}

/** Field 5 of mountinfo is the mount point, see proc_pid_mountinfo(5). */
function mounts(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => `mount ${line.split(' ')[4]} (id ${line.split(' ')[0]})`);
}

function loopDevices(): readonly string[] {
  return namesIn('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .flatMap((name) => {
      const file = readIfThere(`/sys/block/${name}/loop/backing_file`);
      return file === undefined ? [] : [`loop device /dev/${name} of ${file}`];
    });
}

function processes(): readonly string[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const name = readIfThere(`/proc/${pid}/comm`);
      if (name === undefined || !watchedPrograms.test(name) || descendsFromAnotherWorker(pid)) return [];
      return [`process ${pid} ${name}`];
    });
}

/** A process that outlived its run is nobody's: a child of process 1. */
function descendsFromAnotherWorker(pid: string): boolean {
  const ancestors: number[] = [];
  for (let parent = parentOf(pid); parent > 1; parent = parentOf(parent)) ancestors.push(parent);
  if (ancestors.includes(process.pid)) return false;
  return ancestors.some((ancestor) =>
    /vitest\/dist\/workers\//.test(readIfThere(`/proc/${ancestor}/cmdline`) ?? ''),
  );
}

function parentOf(pid: string | number): number {
  const status = readIfThere(`/proc/${pid}/status`) ?? '';
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1] ?? 0);
}

function entriesOf(folder: string): readonly string[] {
  return namesIn(folder).map((name) => `file ${join(folder, name)}`);
}

/** A folder that does not exist is empty. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return [];
    }
    throw error;
  }
}

/** Undefined for what is gone: a process may end, a loop device may be detached while it is read. */
function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENXIO') {
      return undefined;
    }
    throw error;
  }
}
