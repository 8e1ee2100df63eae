import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { NtfsFile } from './file-table.ts';
import { attributeType } from './layout.ts';
import { openAttribute } from './open-attribute.ts';
import type { BootSector } from './parse-boot-sector.ts';
import { parseReparsePoint, type ReparsePoint } from './parse-reparse-point.ts';

/** MAXIMUM_REPARSE_DATA_BUFFER_SIZE, [MS-FSCC] 2.1.2. */
const mostBytes = 16 * 1024;

/** The reparse point of a file, or undefined when it is an ordinary one. */
export function readReparsePoint(
  metadata: ByteSource,
  boot: BootSector,
  { attributes, what }: NtfsFile,
): ReparsePoint | undefined {
  const found = openAttribute(boot, attributes, attributeType.reparsePoint, '', what);
  if (found === undefined) {
    return undefined;
  }
  if (found.size > BigInt(mostBytes)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${mostBytes} bytes in the reparse point of ${what}, but found ${found.size}.`,
    );
  }
  return parseReparsePoint(readBytes(found.open(metadata), 0n, Number(found.size)), what);
}
