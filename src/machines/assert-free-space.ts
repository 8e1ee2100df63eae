import { statfs } from 'node:fs/promises';
import { ColdpatchError } from '../lib/errors.ts';

/** Refuses, by `host_space`, to begin what needs `bytes` on the filesystem of `directory`. */
export async function assertFreeSpace(directory: string, bytes: bigint): Promise<void> {
  const filesystem = await statfs(directory, { bigint: true });
  const free = filesystem.bavail * filesystem.bsize;
  if (free >= bytes) return;
  throw new ColdpatchError(
    'host_space',
    `Expected ${bytes} bytes free in ${directory}, but there are only ${free}. Free some space there.`,
  );
}
