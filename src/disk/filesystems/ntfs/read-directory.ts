import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { DirectoryEntry } from '../types.ts';
import type { NtfsFile } from './file-table.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import * as layout from './layout.ts';
import { type OpenAttribute, openAttribute } from './open-attribute.ts';
import type { BootSector } from './parse-boot-sector.ts';
import { type IndexedName, parseIndex } from './parse-index.ts';
import { residentValue } from './resident-value.ts';
import { restoreSectors } from './restore-sectors.ts';
import { structureReader } from './structure-reader.ts';

/** Far beyond real directories. */
const mostEntries = 1_000_000;
const mostBlocks = 262_144;

/** All names in a directory but short ones beside long ones; blocks are read in their order, not along the tree. */
export function readDirectory(
  metadata: ByteSource,
  boot: BootSector,
  directory: NtfsFile,
): readonly DirectoryEntry[] {
  const { what } = directory;
  const type = layout.attributeType.indexRoot;
  const root = residentValue(directory.attributes, type, layout.directoryIndex, what);
  if (root === undefined) {
    throw filesystemCorrupt(`Expected ${what} to be a directory, but it has no index of names.`);
  }
  const reader = structureReader(root, `the index of ${what}`);
  const keyType = reader.u32(layout.indexRoot.keyType);
  if (keyType !== layout.attributeType.fileName) {
    throw filesystemCorrupt(
      `Expected the index of ${what} to hold names, but it holds type 0x${keyType.toString(16)}.`,
    );
  }
  const header = root.subarray(layout.indexRoot.header);
  const names = [...parseIndex(header, what)];
  const flags = reader.u32(layout.indexRoot.header + layout.indexHeader.flags);
  if ((flags & layout.indexHeaderFlag.hasBlocks) !== 0) {
    const blockSize = checkedBlockSize(reader.u32(layout.indexRoot.blockSize), boot, what);
    for (const block of usedBlocks(metadata, boot, directory, blockSize)) {
      names.push(...parseIndex(block, what));
      if (names.length > mostEntries) {
        throw tooLarge(what);
      }
    }
  }
  return withoutShortNames(names, directory.record.number);
}

function checkedBlockSize(blockSize: number, boot: BootSector, what: string): number {
  if (blockSize !== boot.indexBlockSize) {
    throw filesystemCorrupt(
      `Expected index blocks of ${boot.indexBlockSize} bytes in ${what}, but it says ${blockSize}.`,
    );
  }
  return blockSize;
}

/** Each block of the index that its bitmap marks as used, from its index header on. */
function* usedBlocks(
  metadata: ByteSource,
  boot: BootSector,
  directory: NtfsFile,
  blockSize: number,
): Generator<Uint8Array> {
  const { attributes, what } = directory;
  const open = (type: number): ByteSource => {
    const found = openAttribute(boot, attributes, type, layout.directoryIndex, what);
    return sourceOf(found, metadata, what);
  };
  const content = open(layout.attributeType.indexAllocation);
  const bitmapSource = open(layout.attributeType.bitmap);
  const blocks = Number(content.size / BigInt(blockSize));
  if (blocks > mostBlocks) {
    throw tooLarge(what);
  }
  const bitmap = readBytes(bitmapSource, 0n, Math.ceil(blocks / 8));
  // Blocks are numbered by clusters, or by 512 bytes where a cluster holds several blocks.
  const step = blockSize >= boot.clusterSize ? blockSize / boot.clusterSize : blockSize / 512;
  for (let index = 0; index < blocks; index += 1) {
    if (((bitmap[index >> 3] as number) & (1 << (index & 7))) === 0) {
      continue;
    }
    const block = readBytes(content, BigInt(index * blockSize), blockSize);
    const magic = block.toString('latin1', 0, 4);
    if (magic !== layout.indexMagic || !restoreSectors(block)) {
      throw filesystemCorrupt(`Expected index block ${index} of ${what} to be whole, but it is not.`);
    }
    const number = block.readBigUInt64LE(layout.indexBlock.number);
    if (number !== BigInt(index * step)) {
      throw filesystemCorrupt(
        `Expected index block ${index * step} of ${what}, but it says that it is ${number}.`,
      );
    }
    yield block.subarray(layout.indexBlock.header);
  }
}

function sourceOf(attribute: OpenAttribute | undefined, metadata: ByteSource, what: string): ByteSource {
  if (attribute === undefined) {
    throw filesystemCorrupt(`Expected the index of ${what} to have blocks and a bitmap of them.`);
  }
  return attribute.open(metadata);
}

/** The root shows neither itself nor the files of the filesystem ($MFT and so on). */
function withoutShortNames(names: readonly IndexedName[], directory: number): readonly DirectoryEntry[] {
  const long = new Set(names.filter(({ isShort }) => !isShort).map(({ inode }) => inode));
  const isRoot = directory === layout.systemRecord.root;
  return names
    .filter(({ inode, isShort }) => !(isShort && long.has(inode)))
    .filter(({ inode, name }) => name !== '.' && !(isRoot && inode < layout.firstOrdinaryRecord))
    .map(({ name, nameBytes, inode }) => ({ name, nameBytes, inode }));
}

function tooLarge(what: string): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected at most ${mostEntries} names in the directory of ${what}, but it has more.`,
  );
}
