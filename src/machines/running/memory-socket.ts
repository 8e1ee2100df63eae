import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chmod, chown, mkdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory for the socket, which nobody can have made before. Nothing is made yet.
 * Its name is short: the path of a socket has at most 107 bytes, unix(7).
 */
export function chooseSocketDirectory(): string {
  return join(tmpdir(), `coldpatch-memory-${randomBytes(6).toString('base64url')}`);
}

export function socketIn(directory: string): string {
  return join(directory, 'memory');
}

/** Makes the directory. It stays ours: others may pass through it to a socket whose name they know. */
export async function makeSocketDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 });
  await chmod(directory, 0o711);
}

/** Lets one user, and nobody else, connect to the socket. */
export async function giveSocketTo(directory: string, user: number): Promise<void> {
  await chmod(socketIn(directory), 0o600);
  if (user !== process.geteuid?.()) await chown(socketIn(directory), user, -1);
}

/** Removes both, if they are there. What has another owner was put there after a restart had emptied the place, and stays. */
export async function removeSocketDirectory(directory: string): Promise<void> {
  const status = lstatSync(directory, { throwIfNoEntry: false });
  if (!status?.isDirectory() || status.uid !== process.geteuid?.()) return;
  await rm(socketIn(directory), { force: true });
  await rmdir(directory);
}
