import { constants } from 'node:fs';
import { copyFile, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { isReflinkUnsupported } from '../../lib/is-reflink-unsupported.ts';
import type { HostCheck } from './types.ts';
import { withTemporaryDirectory } from './with-temporary-directory.ts';

/** What a copy of an image costs in `directory`: whether blocks can be shared, and what is free. */
export async function checkDirectory(directory: string): Promise<readonly HostCheck[]> {
  const check = `folder ${directory}`;
  try {
    const { bavail, bsize } = await statfs(directory, { bigint: true });
    const free = {
      check,
      required: true,
      ok: true,
      detail: `${(Number(bavail * bsize) / 1e9).toFixed(1)} GB free`,
    };
    return [free, await checkReflinks(directory)];
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    const remedy = 'name a folder that is there and that you may read';
    return [{ check, required: true, ok: false, detail: (error as Error).message, remedy }];
  }
}

async function checkReflinks(directory: string): Promise<HostCheck> {
  const check = { check: `reflinks in ${directory}`, required: false };
  try {
    await withTemporaryDirectory(directory, async (own) => {
      const from = join(own, 'from');
      await writeFile(from, Buffer.alloc(4096, 'coldpatch'));
      await copyFile(from, join(own, 'to'), constants.COPYFILE_FICLONE_FORCE);
    });
    return { ...check, ok: true, detail: 'copies share blocks: they take neither time nor space' };
  } catch (error) {
    if (hasErrorCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT')) {
      return { ...check, ok: false, detail: `not tried: ${(error as Error).message}` };
    }
    if (!isReflinkUnsupported(error)) throw error;
    return {
      ...check,
      ok: false,
      detail: 'none: each update reads and writes the whole image once, and needs room for it',
      remedy: 'keep images on XFS or Btrfs',
    };
  }
}
