import { realpathSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';
import { writersOf } from '../machine-generations/find-writers.ts';
import { ownsSocket } from './owns-socket.ts';

/**
 * Finds the process that has these files open for writing, and refuses when there are more, or the monitor is not its own.
 * What a monitor says proves nothing: whoever holds the locks on the files is the machine.
 *
 * @param socket of the monitor.
 * @throws ColdpatchError `machine_differs`.
 */
export function assertSameProcess(paths: readonly string[], socket: string): number {
  const writers = [...writersOf(paths)];
  const [pid, ...others] = new Set(writers.map((writer) => writer.pid));
  const unused = paths.find((path) => !writers.some((writer) => writer.path === path));
  if (pid === undefined || unused !== undefined) {
    throw differs(
      `no process that we can see has ${unused ?? paths[0]} open for writing`,
      'Run this as root, and name the socket of the machine itself.',
    );
  }
  if (others.length > 0) throw differs(`processes ${pid} and ${others.join(', ')} write its files`);
  if (ownsSocket(pid, realpathSync(socket))) return pid;
  throw differs(
    `${socket} is not a socket of process ${pid}, which has its disks`,
    'Name the socket of its own monitor.',
  );
}

export function differs(
  found: string,
  remedy = 'Add the machine as it is now, or name the monitor of this one.',
): ColdpatchError {
  return new ColdpatchError(
    'machine_differs',
    `Expected a running machine with exactly its own files, but ${found}. ${remedy}`,
  );
}
