import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { accessControlList } from './access-control-list.ts';
import { attributeLeaves } from './attribute-leaves.ts';
import { blockMapper } from './block-mapper.ts';
import { valueBlock } from './layout.ts';
import { parseAttributeLeaf } from './parse-attribute-leaf.ts';
import type { Fork, Inode } from './parse-inode.ts';
import { parseShortAttributes } from './parse-short-attributes.ts';
import type { Superblock } from './parse-superblock.ts';
import { readCheckedParts } from './read-checked-parts.ts';
import { type StoredAttribute, visibleName } from './stored-attribute.ts';

/** Bytes of all values of one inode. */
const mostBytes = 64 * 1024 * 1024;

/** All attributes of an inode as programs see them. */
export function readAttributes(
  metadata: ByteSource,
  superblock: Superblock,
  inode: Inode,
): ReadonlyMap<string, Uint8Array> {
  const visible = new Map<string, Uint8Array>();
  const fork = inode.attributes;
  if (fork === undefined || (fork.format === 'extents' && fork.extents === 0)) {
    return visible;
  }
  let bytes = 0;
  const add = (attribute: StoredAttribute, valueOf: (attribute: StoredAttribute) => Uint8Array): void => {
    const name = visibleName(attribute);
    if (name === undefined) {
      return;
    }
    const value = valueOf(attribute);
    bytes += value.length;
    if (bytes > mostBytes) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${mostBytes} bytes of attributes at inode ${inode.inode}, but it has more.`,
      );
    }
    visible.set(name.name, name.isList ? accessControlList(value, inode.inode) : value);
  };
  if (fork.format === 'local') {
    for (const attribute of parseShortAttributes(fork.bytes, inode.inode)) {
      add(attribute, ({ value }) => value as Uint8Array);
    }
    return visible;
  }
  readTree(metadata, superblock, { fork, inode: inode.inode, add });
  return visible;
}

interface Tree {
  readonly fork: Fork;
  readonly inode: number;
  readonly add: (attribute: StoredAttribute, valueOf: (attribute: StoredAttribute) => Uint8Array) => void;
}

function readTree(metadata: ByteSource, superblock: Superblock, { fork, inode, add }: Tree): void {
  const mapper = blockMapper(metadata, superblock, fork, inode);
  const valueOf = ({ value }: StoredAttribute): Uint8Array =>
    value instanceof Uint8Array
      ? value
      : readCheckedParts(metadata, superblock, {
          mapper,
          owner: inode,
          what: `an attribute of inode ${inode}`,
          start: value.block,
          length: value.length,
          layout: valueBlock,
          partBlocks: 1,
        });
  for (const leaf of attributeLeaves(metadata, superblock, mapper, inode)) {
    for (const attribute of parseAttributeLeaf(leaf, superblock.hasChecksums, `a leaf of inode ${inode}`)) {
      add(attribute, valueOf);
    }
  }
}
