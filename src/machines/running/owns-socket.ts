import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';

/**
 * Whether a process has a Unix socket of that name, listening or connected. Without root only our own processes are seen.
 * /proc/net/unix: proc_pid_net(5).
 *
 * @param path absolute and free of symbolic links.
 */
export function ownsSocket(pid: number, path: string): boolean {
  try {
    const directory = readlinkSync(`/proc/${pid}/cwd`);
    const inodes = new Set(
      readFileSync(`/proc/${pid}/net/unix`, 'utf8')
        .split('\n')
        .flatMap((line) => {
          const [, inode, name] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.+)$/.exec(line) ?? [];
          if (inode === undefined || name === undefined || basename(name) !== basename(path)) return [];
          return realOrNone(resolve(directory, name)) === path ? [`socket:[${inode}]`] : [];
        }),
    );
    return readdirSync(`/proc/${pid}/fd`).some((name) => inodes.has(linkOrNone(`/proc/${pid}/fd/${name}`)));
  } catch {
    // The process is gone, or another user's.
    return false;
  }
}

/** Processes that have a file open, in whatever way. */
export function processesWith(path: string): readonly number[] {
  const wanted = realOrNone(path);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      namesOrNone(`/proc/${pid}/fd`).some((name) => linkOrNone(`/proc/${pid}/fd/${name}`) === wanted),
    )
    .map(Number);
}

function realOrNone(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}

function linkOrNone(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function namesOrNone(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
