import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { structureReader } from './structure-reader.ts';

const namedUser = 0x02;
const namedGroup = 0x08;
const storedBytes = 12;
const programVersion = 2;
const nobody = 0xffffffff;

/**
 * A POSIX access control list in the form that programs see (version 2, eight bytes an entry),
 * out of the form of XFS (a count, then twelve bytes an entry, big-endian).
 */
export function accessControlList(stored: Uint8Array, inode: number): Uint8Array {
  const reader = structureReader(stored, `the access control list of inode ${inode}`);
  const count = reader.u32(0);
  if (4 + count * storedBytes > stored.length) {
    throw filesystemCorrupt(
      `Expected ${count} entries in the access control list of inode ${inode}, but it has ${stored.length} bytes.`,
    );
  }
  const list = Buffer.alloc(4 + count * 8);
  list.writeUInt32LE(programVersion, 0);
  for (let index = 0; index < count; index += 1) {
    const from = 4 + index * storedBytes;
    const to = 4 + index * 8;
    const tag = reader.u32(from);
    const hasNumber = tag === namedUser || tag === namedGroup;
    list.writeUInt16LE(tag & 0xffff, to);
    list.writeUInt16LE(reader.u16(from + 8), to + 2);
    list.writeUInt32LE(hasNumber ? reader.u32(from + 4) : nobody, to + 4);
  }
  return list;
}
