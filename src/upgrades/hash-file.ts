import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { hasErrorCode } from '../lib/has-error-code.ts';

/**
 * SHA-256 of a file, 64 hexadecimal digits; undefined when there is no such file.
 * In this thread: for many files of some megabytes, where a thread for each would cost more than the hashing.
 */
export async function hashFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return hash.digest('hex');
}
