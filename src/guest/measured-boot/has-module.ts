import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import type { PeSection } from './pe/parse-pe.ts';

const chunkBytes = 1024 * 1024;
const largest = 64 * 1024 * 1024;

/** Whether GRUB's section of modules holds the one of this name: a module's name lies between two NULs. */
export function hasModule(file: ByteSource, { fileOffset, fileSize }: PeSection, name: string): boolean {
  const wanted = Buffer.from(`\0${name}\0`, 'latin1');
  const end = fileOffset + Math.min(fileSize, largest);
  for (let at = fileOffset; at < end; at += chunkBytes) {
    const length = Math.min(chunkBytes + wanted.length - 1, end - at);
    if (readBytes(file, BigInt(at), length).includes(wanted)) return true;
  }
  return false;
}
