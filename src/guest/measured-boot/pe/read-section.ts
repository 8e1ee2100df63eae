import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { PeFile } from './parse-pe.ts';

/**
 * What a section holds, without what only fills it up; undefined when there is none of that name.
 * @param limit bytes.
 * @throws ColdpatchError `limit_exceeded`.
 */
export function readSection(file: ByteSource, pe: PeFile, name: string, limit: number): Buffer | undefined {
  const section = pe.sections.find((one) => one.name === name);
  if (section === undefined) return undefined;
  const { virtualSize, fileSize, fileOffset } = section;
  const size = virtualSize > 0 ? Math.min(virtualSize, fileSize) : fileSize;
  if (size > limit) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected the section ${name} of a program to have at most ${limit} bytes, but it has ${size}.`,
    );
  }
  return readBytes(file, BigInt(fileOffset), size);
}
