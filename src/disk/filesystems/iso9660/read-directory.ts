import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { sectorBytes } from './layout.ts';
import { type DirectoryRecord, parseDirectoryRecord } from './parse-directory-record.ts';
import { readInside } from './read-inside.ts';

/** A hundred thousand files with all that Rock Ridge says of them. */
const mostBytes = 32 * 1024 * 1024;

/** The records of the files in a directory, without those of itself and its parent, and of a file's sections the first. */
export function* readDirectory(metadata: ByteSource, directory: DirectoryRecord): Generator<DirectoryRecord> {
  if (directory.size > mostBytes) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostBytes} bytes in a directory, not ${directory.size}.`,
    );
  }
  let unfinished: DirectoryRecord | undefined;
  for (let done = 0; done < directory.size; done += sectorBytes) {
    const sectorStart = directory.start + done;
    const length = Math.min(sectorBytes, directory.size - done);
    const sector = readInside(metadata, sectorStart, length);
    for (let at = 0; ; ) {
      const found = parseDirectoryRecord(sector, at, sectorStart);
      if (found === undefined) {
        break;
      }
      at += found.bytes.length;
      if (isOwn(found)) {
        continue;
      }
      if (unfinished === undefined) {
        yield found;
      } else if (!unfinished.name.equals(found.name)) {
        throw filesystemCorrupt(
          `Expected another section of the file at ${unfinished.place}, but found none.`,
        );
      }
      unfinished = found.hasMore ? found : undefined;
    }
  }
}

/** The first two records are called by the bytes 0 and 1. */
function isOwn({ name }: DirectoryRecord): boolean {
  return name.length === 1 && (name[0] === 0 || name[0] === 1);
}
