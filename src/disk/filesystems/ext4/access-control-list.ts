import { binaryReader } from '../../../lib/binary-reader.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

const namedUser = 0x02;
const namedGroup = 0x08;
const headerBytes = 4;
const storedVersion = 1;
const programVersion = 2;
const nobody = 0xffffffff;

/**
 * A POSIX access control list in the form that programs see (version 2, eight bytes an entry),
 * out of the shorter form that ext4 stores (version 1, no number where a tag needs none).
 */
export function accessControlList(stored: Uint8Array, inode: number): Uint8Array {
  const reader = binaryReader(stored, {
    order: 'little',
    code: 'filesystem_corrupt',
    what: `the access control list of inode ${inode}`,
  });
  if (reader.u32(0) !== storedVersion) {
    throw filesystemCorrupt(
      `Expected an access control list of version 1 at inode ${inode}, but found ${reader.u32(0)}.`,
    );
  }
  const list = Buffer.alloc(headerBytes + (stored.length - headerBytes) * 2);
  list.writeUInt32LE(programVersion, 0);
  let end = headerBytes;
  for (let at = headerBytes; at < stored.length; end += 8) {
    const tag = reader.u16(at);
    const hasNumber = tag === namedUser || tag === namedGroup;
    list.writeUInt16LE(tag, end);
    list.writeUInt16LE(reader.u16(at + 2), end + 2);
    list.writeUInt32LE(hasNumber ? reader.u32(at + 4) : nobody, end + 4);
    at += hasNumber ? 8 : 4;
  }
  return list.subarray(0, end);
}
