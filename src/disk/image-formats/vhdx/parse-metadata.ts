import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { formatGuid } from '../../format-guid.ts';
import { corrupt } from './corrupt.ts';
import {
  blockSize as blockSizes,
  largestDisk,
  metadataEntry,
  metadataGuid,
  metadataTable,
} from './layout.ts';
import { parseParentName } from './parse-parent-name.ts';
import type { Region } from './parse-regions.ts';

export interface VhdxMetadata {
  /** Bytes. */
  readonly blockSize: number;
  /** The disk was made with all its blocks. */
  readonly fixed: boolean;
  /** Bytes. */
  readonly virtualSize: bigint;
  /** 512 or 4096 bytes. */
  readonly logicalSector: number;
  readonly physicalSector: number;
  /** What the disk tells the machine of its identity (SCSI page 83). */
  readonly diskId: string;
  /** The name of the parent of a differencing disk. */
  readonly parent: string | undefined;
}

type Items = (guid: string, what: string, bytes?: number) => BinaryReader;

const largestItem = 1024 * 1024;

/** The facts of the disk out of the metadata region (section 2.6). */
export function parseMetadata(file: ByteSource, { offset, length }: Region): VhdxMetadata {
  if (length < metadataTable.bytes) throw corrupt(`its metadata have ${length} bytes`);
  const items = itemsOf(file, offset, length);
  const parameters = items(metadataGuid.fileParameters, 'file parameters', 8);
  const blockSize = parameters.u32(0);
  const flags = parameters.u32(4);
  if (blockSize < blockSizes.least || blockSize > blockSizes.most || (blockSize & (blockSize - 1)) !== 0) {
    throw corrupt(`its blocks have ${blockSize} bytes`);
  }
  const logicalSector = sectorOf(items(metadataGuid.logicalSector, 'logical sector size', 4));
  const virtualSize = items(metadataGuid.virtualSize, 'virtual disk size', 8).u64(0);
  if (virtualSize > largestDisk || virtualSize % BigInt(logicalSector) !== 0n) {
    throw corrupt(`its disk has ${virtualSize} bytes`);
  }
  return {
    blockSize,
    fixed: (flags & 1) !== 0,
    virtualSize,
    logicalSector,
    physicalSector: sectorOf(items(metadataGuid.physicalSector, 'physical sector size', 4)),
    diskId: formatGuid(items(metadataGuid.page83, 'disk identity', 16).bytes(0, 16)),
    parent:
      (flags & 2) === 0 ? undefined : parseParentName(items(metadataGuid.parentLocator, 'parent locator')),
  };
}

function sectorOf(item: BinaryReader): number {
  const bytes = item.u32(0);
  if (bytes !== 512 && bytes !== 4096) throw corrupt(`its sectors have ${bytes} bytes`);
  return bytes;
}

/** Reads an item when it is asked for; an item that is required and unknown is refused. */
function itemsOf(file: ByteSource, start: bigint, regionBytes: number): Items {
  const table = readBytes(file, start, metadataTable.bytes);
  if (table.toString('latin1', 0, 8) !== 'metadata') throw corrupt('its metadata have no table');
  const count = table.readUInt16LE(metadataTable.count);
  if (count > metadataTable.most) throw corrupt(`its metadata have ${count} entries`);
  const known = new Set<string>(Object.values(metadataGuid));
  const places = new Map<string, { readonly offset: number; readonly length: number }>();
  for (let index = 0; index < count; index += 1) {
    const at = metadataTable.entries + index * metadataEntry.bytes;
    const guid = table.toString('hex', at, at + 16);
    const flags = table.readUInt32LE(at + metadataEntry.flags);
    if (!known.has(guid)) {
      if ((flags & metadataEntry.requiredFlag) !== 0) throw unknownItem(guid);
      continue;
    }
    const offset = table.readUInt32LE(at + metadataEntry.offset);
    const length = table.readUInt32LE(at + metadataEntry.length);
    if (offset < metadataTable.bytes || length > largestItem || offset + length > regionBytes) {
      throw corrupt(`an item of its metadata has ${length} bytes at ${offset}`);
    }
    places.set(guid, { offset, length });
  }
  return (guid, what, bytes) => {
    const found = places.get(guid);
    if (found === undefined) throw corrupt(`its metadata have no ${what}`);
    if (bytes !== undefined && found.length < bytes) throw corrupt(`its ${what} has ${found.length} bytes`);
    return binaryReader(readBytes(file, start + BigInt(found.offset), found.length), {
      order: 'little',
      code: 'image_corrupt',
      what: `the ${what} of the VHDX disk`,
    });
  };
}

function unknownItem(guid: string): ColdpatchError {
  return new ColdpatchError(
    'image_format_unsupported',
    `Expected a VHDX disk with known metadata, but it needs the item ${guid}.`,
  );
}
