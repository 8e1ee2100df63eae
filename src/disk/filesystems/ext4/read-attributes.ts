import { readBytes } from '../../../lib/byte-source.ts';
import { accessControlList } from './access-control-list.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import type { InodeTable } from './inode-table.ts';
import { inlineDataAttribute, inodeFlag } from './layout.ts';
import { mappedContent, type Volumes } from './mapped-content.ts';
import type { StoredAttribute } from './parse-attributes.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';
import { attributesInBlock, attributesInInode } from './stored-attributes.ts';

/** The kernel's own limit for the value of an attribute. */
const longestValue = 65_536;

/** All attributes of an inode as programs see them. */
export function readAttributes(
  volumes: Volumes,
  superblock: Superblock,
  inodes: InodeTable,
  inode: Inode,
): ReadonlyMap<string, Uint8Array> {
  const stored = [...attributesInInode(inode), ...attributesInBlock(volumes.metadata, superblock, inode)];
  const attributes = new Map<string, Uint8Array>();
  for (const attribute of stored) {
    if (attribute.name === inlineDataAttribute) {
      continue;
    }
    const value = attribute.value ?? valueInInode(volumes, superblock, inodes, inode, attribute);
    const isList = attribute.name.startsWith('system.posix_acl_');
    attributes.set(attribute.name, isList ? accessControlList(value, inode.inode) : value);
  }
  return attributes;
}

function valueInInode(
  volumes: Volumes,
  superblock: Superblock,
  inodes: InodeTable,
  owner: Inode,
  attribute: StoredAttribute,
): Uint8Array {
  const holder = inodes(attribute.valueInode);
  if (
    (holder.flags & inodeFlag.attributeInode) === 0 ||
    attribute.valueSize > longestValue ||
    holder.size !== BigInt(attribute.valueSize)
  ) {
    throw filesystemCorrupt(
      `Expected inode ${holder.inode} to hold an attribute of inode ${owner.inode}, but it does not.`,
    );
  }
  return readBytes(mappedContent(volumes, volumes.metadata, superblock, holder), 0n, attribute.valueSize);
}
