import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeBlock, attributeFlag } from './layout.ts';
import { longestValue, type StoredAttribute } from './stored-attribute.ts';
import { structureReader } from './structure-reader.ts';

/** The attributes of a leaf, whose header must be checked already. */
export function parseAttributeLeaf(
  bytes: Uint8Array,
  hasChecksums: boolean,
  what: string,
): readonly StoredAttribute[] {
  const place = attributeBlock;
  const reader = structureReader(bytes, what);
  const count = reader.u16(hasChecksums ? place.longCount : place.shortCount);
  const start = hasChecksums ? place.longLeafBytes : place.shortLeafBytes;
  return Array.from({ length: count }, (_, index): StoredAttribute => {
    const entry = start + index * place.entryBytes;
    const at = reader.u16(entry + 4);
    const flags = reader.u8(entry + 6);
    if (at < start + count * place.entryBytes) {
      throw filesystemCorrupt(
        `Expected attribute ${index} of ${what} behind its entries, but found it at ${at}.`,
      );
    }
    if ((flags & attributeFlag.local) !== 0) {
      const valueLength = reader.u16(at);
      const nameLength = reader.u8(at + 2);
      const name = reader.bytes(at + 3, nameLength);
      return { flags, name, value: reader.bytes(at + 3 + nameLength, valueLength) };
    }
    const value = { block: reader.u32(at), length: reader.u32(at + 4) };
    if (value.length > longestValue) {
      throw filesystemCorrupt(
        `Expected attribute ${index} of ${what} to have at most ${longestValue} bytes, but it has ${value.length}.`,
      );
    }
    return { flags, name: reader.bytes(at + 9, reader.u8(at + 8)), value };
  });
}
