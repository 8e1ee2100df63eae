import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgramOrFail } from '../../../lib/run-program.ts';

const blockBytes = 4096;
const spareBytes = 16 * 1024 * 1024;

/** Of a disk that holds files of `bytes` together: bitmaps, tables of inodes and directories come on top. */
export function jobDiskBytes(bytes: number): number {
  return Math.ceil(((bytes + spareBytes) * 1.05) / blockBytes) * blockBytes;
}

/** Makes a filesystem with the content of `tree` in the file `path`, without root. */
export async function makeJobDisk(tree: string, path: string, signal: AbortSignal): Promise<void> {
  const size = jobDiskBytes(await sizeOf(tree));
  await using file = await open(path, 'wx', 0o600);
  await file.truncate(size);
  await runProgramOrFail({
    file: 'mke2fs',
    args: [
      ['-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-m', '0', '-b', String(blockBytes)],
      ['-E', 'root_owner=0:0', '-d', tree, path],
    ].flat(),
    timeoutSeconds: 1800,
    signal,
  });
}

async function sizeOf(tree: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
    const { size } = entry.isFile() ? await stat(join(entry.parentPath, entry.name)) : { size: 0 };
    bytes += Math.ceil(size / blockBytes + 1) * blockBytes;
  }
  return bytes;
}
