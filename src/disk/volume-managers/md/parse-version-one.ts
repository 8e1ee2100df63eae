import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt, volumeUnsupported } from '../volume-errors.ts';
import { foldedSum } from './folded-sum.ts';
import { formatArrayUuid } from './format-array-uuid.ts';
import { superblockPlaces } from './has-magic.ts';
import * as layout from './layout.ts';
import type { Superblock } from './superblock.ts';

const place = layout.versionOne;
type VersionOne = Extract<Superblock['version'], `1.${string}`>;

/** Versions 1.1 and 1.2 stand near the start, 1.0 near the end. */
function placesOf(volume: ByteSource): readonly (readonly [VersionOne, bigint])[] {
  const [second, first, nearEnd] = superblockPlaces(volume);
  return [
    ['1.2', second],
    ['1.1', first],
    ['1.0', nearEnd],
  ];
}

/** Where a superblock of version 1 stands that says itself that it belongs there. */
export function findVersionOne(volume: ByteSource): readonly [VersionOne, bigint] | undefined {
  return placesOf(volume).find(([, at]) => {
    const bytes = peek(volume, at, place.bytes);
    return (
      bytes?.readUInt32LE(place.magic) === layout.magic &&
      bytes.readUInt32LE(place.major) === 1 &&
      bytes.readBigUInt64LE(place.superOffset) * 512n === at
    );
  });
}

/** @throws ColdpatchError `volume_corrupt`, `volume_unsupported`. */
export function parseVersionOne(volume: ByteSource): Superblock | undefined {
  const [version, at] = findVersionOne(volume) ?? [];
  if (version === undefined || at === undefined) return undefined;
  const mostDevices = peek(volume, at, place.bytes)?.readUInt32LE(place.mostDevices) ?? 0;
  const bytes = mostDevices <= layout.mostRoles ? peek(volume, at, place.roles + mostDevices * 2) : undefined;
  if (bytes === undefined) {
    throw volumeCorrupt(
      `Expected at most ${layout.mostRoles} roles in the superblock of a RAID, found ${mostDevices}.`,
    );
  }
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'volume_corrupt',
    what: 'the superblock of a RAID',
  });
  if (foldedSum(bytes, 'little', place.checksum) !== reader.u32(place.checksum)) {
    throw volumeCorrupt('Expected the superblock of a RAID to match its checksum, but it does not.');
  }
  const features = reader.u32(place.features);
  if ((features & ~layout.knownFeatures) !== 0) {
    throw volumeUnsupported(`Expected known features of a RAID, but found ${features.toString(16)}.`);
  }
  const dataStart = reader.u64(place.dataOffset) * 512n;
  const dataSize = reader.u64(place.dataSectors) * 512n;
  const usedSize = reader.u64(place.sizeSectors) * 512n;
  if (dataStart + dataSize > volume.size || usedSize > dataSize) {
    throw volumeCorrupt(
      `Expected the data of a RAID member inside its ${volume.size} bytes, but they take ${dataSize} from ${dataStart} on.`,
    );
  }
  return {
    version,
    uuid: formatArrayUuid(reader.bytes(place.arrayUuid, 16)),
    name: reader.text(place.name, place.nameBytes),
    level: reader.u32(place.level) | 0,
    devices: reader.u32(place.devices),
    ...roleOf(reader),
    events: reader.u64(place.events),
    isWhole:
      (features & (layout.feature.recovery | layout.feature.badBlocks | layout.feature.replacement)) === 0,
    isReshaped: (features & layout.feature.reshape) !== 0,
    dataStart,
    dataSize,
    usedSize,
    chunkBytes: reader.u32(place.chunkSectors) * 512,
  };
}

function roleOf(reader: BinaryReader): { readonly role?: number } {
  const number = reader.u32(place.deviceNumber);
  if (number >= reader.u32(place.mostDevices)) return {};
  const role = reader.u16(place.roles + number * 2);
  return role >= layout.firstSpecialRole ? {} : { role };
}
