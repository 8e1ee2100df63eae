import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { parseAttributes, type StoredAttribute } from './parse-attributes.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

/** The magic number as it lies on the disk. */
const magicBytes = [0x00, 0x00, 0x02, 0xea] as const;

/** The attributes inside the inode's own bytes. */
export function attributesInInode(inode: Inode): readonly StoredAttribute[] {
  const start = inode.extraEnd;
  if (inode.bytes.length < start + 8 || inode.bytes.length === layout.baseInodeBytes) {
    return [];
  }
  const hasMagic = magicBytes.every((byte, index) => inode.bytes[start + index] === byte);
  return hasMagic ? parseAttributes(inode.bytes.subarray(start), 4, 4, inode.inode) : [];
}

/** The attributes in the block that the inode names, which alike inodes share. */
export function attributesInBlock(
  metadata: ByteSource,
  superblock: Superblock,
  inode: Inode,
): readonly StoredAttribute[] {
  const block = inode.attributeBlock;
  if (block === 0) {
    return [];
  }
  if (block <= superblock.firstDataBlock || block >= superblock.blocks) {
    throw filesystemCorrupt(
      `Expected the attributes of inode ${inode.inode} inside the filesystem, but found block ${block}.`,
    );
  }
  const bytes = readBytes(metadata, BigInt(block) * BigInt(superblock.blockSize), superblock.blockSize);
  if (bytes.readUInt32LE(layout.attributeBlockHeader.magic) !== layout.attributeMagic) {
    throw filesystemCorrupt(
      `Expected the attributes of inode ${inode.inode} in block ${block}, but found none.`,
    );
  }
  if (superblock.hasChecksums) {
    verifyChecksum(bytes, block, superblock);
  }
  return parseAttributes(bytes, layout.attributeBlockHeader.bytes, 0, inode.inode);
}

function verifyChecksum(bytes: Buffer, block: number, superblock: Superblock): void {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(BigInt(block));
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt32LE(0, layout.attributeBlockHeader.checksum);
  const expected = crc32c(crc32c(superblock.checksumSeed, number), zeroed);
  if (expected !== bytes.readUInt32LE(layout.attributeBlockHeader.checksum)) {
    throw filesystemCorrupt(`Expected attribute block ${block} to match its checksum, but it does not.`);
  }
}
