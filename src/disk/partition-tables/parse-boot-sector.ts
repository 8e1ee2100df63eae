import { binaryReader } from '../../lib/binary-reader.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { peek } from '../peek.ts';
import * as layout from './boot-sector-layout.ts';

export interface BootSectorEntry {
  readonly isActive: boolean;
  readonly type: number;
  /** Sectors, from wherever the table counts. */
  readonly start: number;
  readonly sectors: number;
}

export interface BootSector {
  /** Eight hexadecimal digits. */
  readonly diskId: string;
  readonly entries: readonly BootSectorEntry[];
}

/** The partition table in the sector at byte `offset`, or undefined when there is none. */
export function parseBootSector(disk: ByteSource, offset: bigint): BootSector | undefined {
  const sector = peek(disk, offset, layout.sectorBytes);
  if (sector === undefined) {
    return undefined;
  }
  const reader = binaryReader(sector, { order: 'little', code: 'image_corrupt', what: 'a boot sector' });
  if (reader.u16(layout.signatureOffset) !== layout.signature) {
    return undefined;
  }
  const places = Array.from(
    { length: layout.entries },
    (_, index) => layout.tableOffset + index * layout.entry.bytes,
  );
  // Boot code of a filesystem can stand where a table would be; its bytes hardly ever are 0 or 0x80 here.
  if (places.some((at) => (reader.u8(at + layout.entry.status) & ~layout.active) !== 0)) {
    return undefined;
  }
  return {
    diskId: reader.u32(layout.diskIdOffset).toString(16).padStart(8, '0'),
    entries: places.map((at) => ({
      isActive: reader.u8(at + layout.entry.status) === layout.active,
      type: reader.u8(at + layout.entry.type),
      start: reader.u32(at + layout.entry.start),
      sectors: reader.u32(at + layout.entry.sectors),
    })),
  };
}

/** True for an entry that names sectors. */
export function isUsed(entry: BootSectorEntry): boolean {
  return entry.type !== layout.emptyType && entry.sectors !== 0;
}

export function isExtended(entry: BootSectorEntry): boolean {
  return isUsed(entry) && layout.extendedTypes.includes(entry.type);
}
