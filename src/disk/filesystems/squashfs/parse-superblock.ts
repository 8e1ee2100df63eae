import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { blockLog, compressions, magic, noTable, superblock as place, superblockBytes } from './layout.ts';

/** Byte offsets count from the start of the volume. */
export interface Superblock {
  readonly bytes: Buffer;
  readonly inodes: number;
  /** Seconds since 1970. */
  readonly madeAt: number;
  readonly blockSize: number;
  readonly fragments: number;
  readonly compression: string;
  readonly ids: number;
  /** A reference: the metadata block's offset in the inode table times 65536, plus the place in that block. */
  readonly rootInode: bigint;
  readonly bytesUsed: number;
  readonly idTable: number;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number | undefined;
  readonly attributeTable: number | undefined;
  readonly hasExportTable: boolean;
}

/** @throws `filesystem_corrupt`, `filesystem_unsupported`, `image_truncated` */
export function parseSuperblock(volume: ByteSource): Superblock {
  const bytes = readBytes(volume, 0n, superblockBytes);
  const major = bytes.readUInt16LE(place.major);
  const minor = bytes.readUInt16LE(place.minor);
  if (bytes.toString('latin1', 0, 4) !== magic || major !== 4 || minor !== 0) {
    throw new ColdpatchError('filesystem_unsupported', `Expected squashfs 4.0, but found ${major}.${minor}.`);
  }
  const compression = compressions[bytes.readUInt16LE(place.compression)] ?? 'unknown';
  const log = bytes.readUInt16LE(place.blockLog);
  const blockSize = bytes.readUInt32LE(place.blockSize);
  if (log < blockLog.least || log > blockLog.most || blockSize !== 2 ** log) {
    throw filesystemCorrupt(
      `Expected blocks of 4 KiB to 1 MiB, but they have ${blockSize} bytes (2^${log}).`,
    );
  }
  const used = bytes.readBigUInt64LE(place.bytesUsed);
  if (used > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${used} bytes of squashfs, but its partition or file has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  const bytesUsed = Number(used);
  const tableAt = (offset: number): number => {
    const start = bytes.readBigUInt64LE(offset);
    if (start < superblockBytes || start >= used) {
      throw filesystemCorrupt(`Expected a table inside ${bytesUsed} bytes, but it starts at ${start}.`);
    }
    return Number(start);
  };
  const optionalTableAt = (offset: number): number | undefined =>
    bytes.readBigUInt64LE(offset) === noTable ? undefined : tableAt(offset);
  const inodeTable = tableAt(place.inodeTable);
  const directoryTable = tableAt(place.directoryTable);
  if (inodeTable >= directoryTable) {
    throw filesystemCorrupt(`Expected inodes before directories, but they start at ${inodeTable}.`);
  }
  return {
    bytes,
    inodes: bytes.readUInt32LE(place.inodes),
    madeAt: bytes.readUInt32LE(place.madeAt),
    blockSize,
    fragments: bytes.readUInt32LE(place.fragments),
    compression,
    ids: bytes.readUInt16LE(place.ids),
    rootInode: bytes.readBigUInt64LE(place.rootInode),
    bytesUsed,
    idTable: tableAt(place.idTable),
    inodeTable,
    directoryTable,
    fragmentTable: bytes.readUInt32LE(place.fragments) === 0 ? undefined : tableAt(place.fragmentTable),
    attributeTable: optionalTableAt(place.attributeTable),
    hasExportTable: bytes.readBigUInt64LE(place.exportTable) !== noTable,
  };
}
