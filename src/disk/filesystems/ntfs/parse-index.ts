import type { DirectoryEntry } from '../types.ts';
import { decodeName } from './decode-name.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { fileName, indexEntry, indexEntryFlag, indexHeader, shortNamespace } from './layout.ts';
import { parseReference } from './parse-reference.ts';
import { structureReader } from './structure-reader.ts';

export interface IndexedName extends DirectoryEntry {
  /** True of a short name (8.3) that is kept beside a long one. */
  readonly isShort: boolean;
}

/** The names in one node of a directory's index. @param bytes the node from its index header on. */
export function parseIndex(bytes: Uint8Array, what: string): readonly IndexedName[] {
  const header = structureReader(bytes, `the index of ${what}`);
  const reader = structureReader(
    header.bytes(0, header.u32(indexHeader.used)),
    `the entries in the index of ${what}`,
  );
  const names: IndexedName[] = [];
  let at = header.u32(indexHeader.entries);
  while ((reader.u16(at + indexEntry.flags) & indexEntryFlag.last) === 0) {
    const length = reader.u16(at + indexEntry.length);
    if (length < indexEntry.key || length % 8 !== 0) {
      throw filesystemCorrupt(`Expected the index of ${what} to go on, but an entry has ${length} bytes.`);
    }
    const key = reader.bytes(at + indexEntry.key, reader.u16(at + indexEntry.keyLength));
    if (indexEntry.key + key.length > length) {
      throw filesystemCorrupt(`Expected a name inside its entry in the index of ${what}, but it is longer.`);
    }
    const { record } = parseReference(reader.u64(at + indexEntry.reference));
    names.push({ ...parseFileName(key, what), inode: record });
    at += length;
  }
  return names;
}

function parseFileName(key: Uint8Array, what: string): Omit<IndexedName, 'inode'> {
  const reader = structureReader(key, `a name in the index of ${what}`);
  const decoded = decodeName(reader.bytes(fileName.name, reader.u8(fileName.nameLength) * 2));
  if (decoded.name === '' || decoded.name === '..' || /[/\0]/.test(decoded.name)) {
    throw filesystemCorrupt(
      `Expected a name in the index of ${what}, but found ${JSON.stringify(decoded.name)}.`,
    );
  }
  return { ...decoded, isShort: reader.u8(fileName.namespace) === shortNamespace };
}
