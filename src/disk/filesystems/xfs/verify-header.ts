import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { hasSoundChecksum } from './has-sound-checksum.ts';
import { addressUnit, type HeaderPlaces } from './layout.ts';
import type { Superblock } from './parse-superblock.ts';
import { structureReader } from './structure-reader.ts';

export interface ExpectedHeader {
  /** For messages: `directory block 3 of inode 128`. */
  readonly what: string;
  /** Byte of the volume where the block lies, when its header says that. */
  readonly position?: number;
  /** Inode that it belongs to, when its header says that. */
  readonly owner?: number;
}

/** Checks what version 5 knows of a metadata block: checksum, filesystem, address and owner. */
export function verifyHeader(
  bytes: Uint8Array,
  places: HeaderPlaces,
  superblock: Pick<Superblock, 'metaUuid'>,
  expected: ExpectedHeader,
): void {
  const reader = structureReader(bytes, expected.what);
  if (!hasSoundChecksum(bytes, places.checksum)) {
    throw filesystemCorrupt(`Expected ${expected.what} to match its checksum, but it does not.`);
  }
  if (!superblock.metaUuid.equals(reader.bytes(places.uuid, 16))) {
    throw filesystemCorrupt(`Expected ${expected.what} to be of this filesystem, but it names another UUID.`);
  }
  if (expected.position !== undefined && places.address >= 0) {
    const address = BigInt(expected.position / addressUnit);
    if (reader.u64(places.address) !== address) {
      throw filesystemCorrupt(
        `Expected ${expected.what} to name its address ${address}, but it names ${reader.u64(places.address)}.`,
      );
    }
  }
  if (expected.owner !== undefined && places.owner >= 0) {
    if (reader.u64(places.owner) !== BigInt(expected.owner)) {
      throw filesystemCorrupt(
        `Expected ${expected.what} to belong to inode ${expected.owner}, but it names ${reader.u64(places.owner)}.`,
      );
    }
  }
}
