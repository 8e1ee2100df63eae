import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { type Key, parseKey } from './key.ts';
import { directoryEntry as place } from './layout.ts';
import { readerOver } from './reader-over.ts';

/** An entry of a directory, or an extended attribute: they share their form. */
export interface StoredEntry {
  /** The inode or the subvolume that an entry leads to. */
  readonly location: Key;
  readonly name: Uint8Array;
  /** The value of an attribute. */
  readonly data: Uint8Array;
}

const mostNameBytes = 255;

/** The entries of one item: names with the same hash share one. */
export function parseDirectoryEntries(bytes: Uint8Array, what: string): readonly StoredEntry[] {
  const reader = readerOver(bytes, what);
  const entries: StoredEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const nameBytes = reader.u16(at + place.nameBytes);
    const dataBytes = reader.u16(at + place.dataBytes);
    if (nameBytes === 0 || nameBytes > mostNameBytes) {
      throw filesystemCorrupt(
        `Expected names of 1 to ${mostNameBytes} bytes in ${what}, found ${nameBytes}.`,
      );
    }
    const name = at + place.name;
    entries.push({
      location: parseKey(reader, at),
      name: reader.bytes(name, nameBytes),
      data: reader.bytes(name + nameBytes, dataBytes),
    });
    at = name + nameBytes + dataBytes;
  }
  return entries;
}
