import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { inlineDataAttribute } from './layout.ts';
import type { Inode } from './parse-inode.ts';
import { attributesInInode } from './stored-attributes.ts';

/** The two pieces of data inside an inode: where the block map would be, and a hidden attribute. */
export function inlinePieces(inode: Inode): readonly [Uint8Array, Uint8Array] {
  const rest = attributesInInode(inode).find(({ name }) => name === inlineDataAttribute);
  return [inode.blockMap, rest?.value ?? new Uint8Array(0)];
}

/** The content of a file or link whose bytes are inside its inode. */
export function inlineContent(inode: Inode): Buffer {
  const bytes = Buffer.concat(inlinePieces(inode));
  if (inode.size > BigInt(bytes.length)) {
    throw filesystemCorrupt(
      `Expected ${inode.size} bytes inside inode ${inode.inode}, but there is room for ${bytes.length}.`,
    );
  }
  return bytes.subarray(0, Number(inode.size));
}
