import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { lvmChecksum } from './checksum.ts';
import * as layout from './layout.ts';

export interface Label {
  /** 32 letters and digits, without the dashes of print. */
  readonly uuid: string;
  /** Bytes of the device when it was made a physical volume. */
  readonly deviceSize: bigint;
  readonly metadataAreas: readonly MetadataArea[];
}

export interface MetadataArea {
  /** Bytes on the device. */
  readonly offset: bigint;
  readonly size: bigint;
}

const mostAreas = 16;

/** The byte at which the label stands, or undefined when there is none. */
export function findLabel(device: ByteSource): bigint | undefined {
  return layout.labelSectors
    .map((sector) => BigInt(sector * layout.sectorBytes))
    .find((place) => {
      const start = peek(device, place, layout.label.type + layout.labelType.length);
      const text = start?.toString('latin1') ?? '';
      return text.startsWith(layout.labelMagic) && text.endsWith(layout.labelType);
    });
}

/** @throws ColdpatchError `volume_corrupt`. */
export function parseLabel(device: ByteSource): Label {
  const place = findLabel(device);
  const sector = place === undefined ? undefined : peek(device, place, layout.sectorBytes);
  if (place === undefined || sector === undefined) {
    throw volumeCorrupt('Expected the label of a physical volume in the first four sectors, but found none.');
  }
  const reader = binaryReader(sector, {
    order: 'little',
    code: 'volume_corrupt',
    what: 'the label of a physical volume',
  });
  const checksum = lvmChecksum(sector.subarray(layout.label.checksumFrom));
  if (
    reader.u32(layout.label.checksum) !== checksum ||
    reader.u64(layout.label.sector) * BigInt(layout.sectorBytes) !== place
  ) {
    throw volumeCorrupt('Expected the label of a physical volume to match its checksum, but it does not.');
  }
  const header = reader.u32(layout.label.headerOffset);
  const data = readAreas(reader, header + layout.physicalVolume.areas);
  const metadata = readAreas(reader, data.end);
  return {
    uuid: reader.text(header + layout.physicalVolume.uuid, layout.physicalVolume.uuidBytes),
    deviceSize: reader.u64(header + layout.physicalVolume.deviceSize),
    metadataAreas: metadata.areas,
  };
}

function readAreas(
  reader: BinaryReader,
  start: number,
): { readonly areas: readonly MetadataArea[]; readonly end: number } {
  const areas: MetadataArea[] = [];
  for (let at = start; areas.length < mostAreas; at += layout.area.bytes) {
    const offset = reader.u64(at + layout.area.offset);
    if (offset === 0n) return { areas, end: at + layout.area.bytes };
    areas.push({ offset, size: reader.u64(at + layout.area.size) });
  }
  throw volumeCorrupt(`Expected at most ${mostAreas} areas in the label of a physical volume.`);
}
