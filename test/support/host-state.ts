import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a run can leave on the host, as lines that a person can act on. */
export type HostState = ReadonlySet<string>;

/** Programs that outlive a broken run, by the kernel's name of the process (at most 15 characters). */
const watchedPrograms = /^(?:qemu|systemd-nspawn|unshare|nsenter|swtpm|virtiofsd|fuse2fs|apt-get|dpkg)/;

/** Mounts of this mount namespace, attached loop devices, watched processes, and what is in the folders `temporary`. */
export function readHostState(temporary: readonly string[]): HostState {
  return new Set([...mounts(), ...loopDevices(), ...processes(), ...temporary.flatMap(entriesOf)]);
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
      return name !== undefined && watchedPrograms.test(name) ? [`process ${pid} ${name}`] : [];
    });
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
