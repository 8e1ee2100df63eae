import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import { createLruCache } from '../../lib/lru-cache.ts';

const pageBytes = 64 * 1024;
const pagesKept = 64;

/**
 * Numbers of 32 bits in a table of a file, read page by page when they are asked for; 4 MiB of them are kept.
 * @param offset byte of the first number; the caller has checked that the table is inside the file.
 */
export function tableOfNumbers(
  file: ByteSource,
  offset: bigint,
  entries: number,
  order: 'little' | 'big',
): (index: number) => number {
  const pages = createLruCache<number, Buffer>(pagesKept);
  const bytes = entries * 4;
  return (index) => {
    const number = Math.floor((index * 4) / pageBytes);
    const known = pages.get(number);
    const start = number * pageBytes;
    const page = known ?? readBytes(file, offset + BigInt(start), Math.min(pageBytes, bytes - start));
    if (known === undefined) pages.set(number, page);
    const at = index * 4 - start;
    return order === 'little' ? page.readUInt32LE(at) : page.readUInt32BE(at);
  };
}
