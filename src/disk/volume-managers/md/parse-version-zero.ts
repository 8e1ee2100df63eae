import { type BinaryReader, type ByteOrder, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { foldedSum } from './folded-sum.ts';
import { formatArrayUuid } from './format-array-uuid.ts';
import { superblockPlaces } from './has-magic.ts';
import * as layout from './layout.ts';
import type { Superblock } from './superblock.ts';

const place = layout.versionZero;

/** The byte order of a superblock of version 0.90, or undefined when there is none. */
export function findVersionZero(volume: ByteSource): ByteOrder | undefined {
  const bytes = peek(volume, superblockPlaces(volume)[3], 8);
  if (bytes?.readUInt32LE(0) === layout.magic && bytes.readUInt32LE(place.major) === 0) return 'little';
  return bytes?.readUInt32BE(0) === layout.magic && bytes.readUInt32BE(place.major) === 0 ? 'big' : undefined;
}

/** @throws ColdpatchError `volume_corrupt`. */
export function parseVersionZero(volume: ByteSource): Superblock | undefined {
  const order = findVersionZero(volume);
  const at = superblockPlaces(volume)[3];
  const bytes = order === undefined ? undefined : peek(volume, at, place.bytes);
  if (order === undefined || bytes === undefined) return undefined;
  const reader = binaryReader(bytes, { order, code: 'volume_corrupt', what: 'the superblock of a RAID' });
  if (foldedSum(bytes, order, place.checksum) !== reader.u32(place.checksum)) {
    throw volumeCorrupt('Expected the superblock of a RAID to match its checksum, but it does not.');
  }
  const usedSize = BigInt(reader.u32(place.sizeKilobytes)) * 1024n;
  if (usedSize > at) {
    throw volumeCorrupt(`Expected ${usedSize} bytes before the superblock of a RAID, but there are ${at}.`);
  }
  const minor = reader.u32(place.minor);
  if (minor < 90 || minor > 91) {
    throw volumeCorrupt(`Expected version 0.90 of a RAID's superblock, but found 0.${minor}.`);
  }
  const role = reader.u32(place.thisDevice + layout.thisDevice.role);
  const state = reader.u32(place.thisDevice + layout.thisDevice.state);
  return {
    version: '0.90',
    uuid: uuidOf(reader),
    name: '',
    minor: reader.u32(place.minorNumber),
    level: reader.u32(place.level) | 0,
    devices: reader.u32(place.devices),
    ...(role < reader.u32(place.devices) && (state & layout.faultyState) === 0 ? { role } : {}),
    events: reader.u64(place.events),
    isWhole: (state & layout.syncState) !== 0,
    isReshaped: minor === 91,
    dataStart: 0n,
    dataSize: at,
    usedSize,
    chunkBytes: reader.u32(place.chunkBytes),
  };
}

/** Four words, which mdadm prints in the byte order of the machine. */
function uuidOf(reader: BinaryReader): string {
  const words = [place.uuidFirst, place.uuidRest, place.uuidRest + 4, place.uuidRest + 8];
  const bytes = Buffer.alloc(16);
  words.forEach((at, index) => bytes.writeUInt32BE(reader.u32(at), index * 4));
  return formatArrayUuid(bytes);
}
