import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasRightChecksum } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import { mebibyte, place, region, regionGuid, regionTable } from './layout.ts';

export interface Region {
  /** Bytes in the file. */
  readonly offset: bigint;
  readonly length: number;
}

export interface VhdxRegions {
  readonly blockTable: Region;
  readonly metadata: Region;
}

/** The regions as the first sound one of the two region tables has them (section 2.2.3). */
export function parseRegions(file: ByteSource): VhdxRegions {
  const table = place.regionTables
    .filter((at) => at + BigInt(regionTable.bytes) <= file.size)
    .map((at) => readBytes(file, at, regionTable.bytes))
    .find(
      (bytes) => bytes.toString('latin1', 0, 4) === 'regi' && hasRightChecksum(bytes, regionTable.checksum),
    );
  if (table === undefined) throw corrupt('neither of its region tables has the right checksum');
  const found = regionsOf(file, table);
  const blockTable = found.get(regionGuid.blockTable);
  const metadata = found.get(regionGuid.metadata);
  if (blockTable === undefined) throw corrupt('it has no block allocation table');
  if (metadata === undefined) throw corrupt('it has no metadata');
  return { blockTable, metadata };
}

function regionsOf(file: ByteSource, table: Buffer): ReadonlyMap<string, Region> {
  const count = table.readUInt32LE(regionTable.count);
  if (count > regionTable.most) throw corrupt(`its region table has ${count} entries`);
  const known = new Set<string>(Object.values(regionGuid));
  const found = new Map<string, Region>();
  for (let index = 0; index < count; index += 1) {
    const at = regionTable.entries + index * region.bytes;
    const guid = table.toString('hex', at, at + 16);
    const isRequired = (table.readUInt32LE(at + region.required) & 1) !== 0;
    if (!known.has(guid)) {
      if (isRequired) throw unknownRegion(guid);
      continue;
    }
    const offset = table.readBigUInt64LE(at + region.offset);
    const length = table.readUInt32LE(at + region.length);
    if (found.has(guid)) throw corrupt('it has two regions of one kind');
    if (offset % mebibyte !== 0n || offset === 0n || offset + BigInt(length) > file.size) {
      throw corrupt(`a region of ${length} bytes is at byte ${offset} of ${file.size}`);
    }
    found.set(guid, { offset, length });
  }
  return found;
}

function unknownRegion(guid: string): ColdpatchError {
  return new ColdpatchError(
    'image_format_unsupported',
    `Expected a VHDX disk with known regions, but it needs the region ${guid}.`,
  );
}
