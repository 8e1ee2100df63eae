import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { hasErrorCode } from '../lib/has-error-code.ts';
import type { FoundFile } from './describe-files.ts';

/** One regular file; undefined when there is none of this name. */
export async function lookAtFile(path: string): Promise<FoundFile | undefined> {
  const found = await statIfThere(path);
  return found?.isFile() ? { path, size: Number(found.size), modifiedAt: timeOf(found.mtimeNs) } : undefined;
}

async function statIfThere(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** ISO 8601 with all nine digits, so that two writes in one millisecond differ. */
function timeOf(nanoseconds: bigint): string {
  const below = String(nanoseconds % 1_000_000n).padStart(6, '0');
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString().replace('Z', `${below}Z`);
}
