import { createHash, type Hash } from 'node:crypto';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { programCorrupt } from './corrupt.ts';
import { largestProgram } from './layout.ts';
import type { PeFile } from './parse-pe.ts';

const chunkBytes = 1024 * 1024;

/**
 * The SHA-256 of a program as signatures and dbx count it: all but its checksum and its signatures.
 * Windows Authenticode Portable Executable Signature Format, "Calculating the PE Image Hash".
 *
 * @returns 64 hexadecimal digits.
 * @throws ColdpatchError `boot_program_corrupt`, `limit_exceeded`.
 */
export function authenticodeDigest(file: ByteSource, pe: PeFile): string {
  if (file.size > largestProgram) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected a program of the boot loader to have at most ${largestProgram} bytes, but it has ${file.size}.`,
    );
  }
  const hash = createHash('sha256');
  const size = Number(file.size);
  const { headersBytes, checksumAt, certificatesAt, certificates } = pe;
  hashRange(file, hash, 0, checksumAt);
  if (certificatesAt === undefined) hashRange(file, hash, checksumAt + 4, headersBytes);
  else {
    hashRange(file, hash, checksumAt + 4, certificatesAt);
    hashRange(file, hash, certificatesAt + 8, headersBytes);
  }
  let counted = headersBytes;
  for (const { fileOffset, fileSize } of pe.sections.toSorted((a, b) => a.fileOffset - b.fileOffset)) {
    counted += fileSize;
    if (counted > size) throw programCorrupt(`sections of ${size} bytes in all`, 'more');
    hashRange(file, hash, fileOffset, fileOffset + fileSize);
  }
  if (size > counted + certificates.size) hashRange(file, hash, counted, size - certificates.size);
  return hash.digest('hex');
}

function hashRange(file: ByteSource, hash: Hash, start: number, end: number): void {
  if (start > end)
    throw programCorrupt('headers in their order', `an end at byte ${end} before byte ${start}`);
  for (let at = start; at < end; at += chunkBytes) {
    hash.update(readBytes(file, BigInt(at), Math.min(chunkBytes, end - at)));
  }
}
