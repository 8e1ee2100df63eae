import type { FileStatus, FileType } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import {
  childLink,
  device,
  longTimeBytes,
  nameFlag,
  posix,
  sectorBytes,
  shortTimeBytes,
  timeOrder,
  timeStamps,
} from './layout.ts';
import { linkTarget } from './link-target.ts';
import { assertLength, type SystemUseEntry } from './system-use-entries.ts';
import { longTimeOf, timeOf } from './time-of.ts';

/** What Rock Ridge says of a file. */
export interface RockRidge {
  readonly name?: Buffer;
  readonly type?: FileType;
  readonly mode?: number;
  readonly linkCount?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly modifiedAt?: bigint;
  readonly changedAt?: bigint;
  readonly device?: NonNullable<FileStatus['device']>;
  readonly target?: string;
  /** Byte offset in the volume of the directory that this record stands for: it lies deeper than ISO 9660 allows. */
  readonly movedTo?: number;
  /** The directory is shown elsewhere. */
  readonly isMoved: boolean;
  /** The content is compressed by zisofs. */
  readonly isCompressed: boolean;
}

const typeMask = 0o170000;
const types: Readonly<Record<number, FileType>> = {
  0o140000: 'socket',
  0o120000: 'symlink',
  0o100000: 'file',
  0o060000: 'block-device',
  0o040000: 'directory',
  0o020000: 'character-device',
  0o010000: 'fifo',
};

const longestName = 255;

export function parseRockRidge(entries: Iterable<SystemUseEntry>): RockRidge {
  let found: RockRidge = { isMoved: false, isCompressed: false };
  const names: Buffer[] = [];
  const links: Buffer[] = [];
  for (const { signature, bytes } of entries) {
    switch (signature) {
      case 'NM':
        assertLength(bytes, 5);
        if ((bytes.readUInt8(4) & (nameFlag.current | nameFlag.parent)) === 0) {
          names.push(bytes.subarray(5));
        }
        break;
      case 'SL':
        assertLength(bytes, 5);
        links.push(bytes.subarray(5));
        break;
      case 'PX':
        found = { ...found, ...parsePosix(bytes) };
        break;
      case 'TF':
        found = { ...found, ...parseTimes(bytes) };
        break;
      case 'PN':
        found = { ...found, device: parseDevice(bytes) };
        break;
      case 'CL':
        assertLength(bytes, childLink.bytes);
        found = { ...found, movedTo: bytes.readUInt32LE(childLink.block) * sectorBytes };
        break;
      case 'RE':
        found = { ...found, isMoved: true };
        break;
      case 'ZF':
        found = { ...found, isCompressed: true };
        break;
      default:
    }
  }
  const name = Buffer.concat(names);
  if (name.length > longestName) {
    throw filesystemCorrupt(`Expected a name of at most ${longestName} bytes, not ${name.length}.`);
  }
  return {
    ...found,
    ...(name.length === 0 ? {} : { name }),
    ...(links.length === 0 ? {} : { target: linkTarget(links) }),
  };
}

function parsePosix(bytes: Buffer): Partial<RockRidge> {
  assertLength(bytes, posix.bytes);
  const mode = bytes.readUInt32LE(posix.mode);
  const type = types[mode & typeMask];
  if (type === undefined) {
    throw filesystemCorrupt(`Expected the mode of a file, but found ${mode.toString(8)}.`);
  }
  return {
    type,
    mode: mode & 0o7777,
    linkCount: bytes.readUInt32LE(posix.links),
    uid: bytes.readUInt32LE(posix.uid),
    gid: bytes.readUInt32LE(posix.gid),
  };
}

function parseTimes(bytes: Buffer): Partial<RockRidge> {
  assertLength(bytes, timeStamps.first);
  const flags = bytes.readUInt8(timeStamps.flags);
  const isLong = (flags & timeStamps.long) !== 0;
  const length = isLong ? longTimeBytes : shortTimeBytes;
  const stampOf = (bit: number): bigint | undefined => {
    if ((flags & bit) === 0) {
      return undefined;
    }
    const before = timeOrder.filter((other) => other < bit && (flags & other) !== 0).length;
    const at = timeStamps.first + before * length;
    assertLength(bytes, at + length);
    return (isLong ? longTimeOf : timeOf)(bytes.subarray(at, at + length));
  };
  const modifiedAt = stampOf(timeStamps.modified);
  const changedAt = stampOf(timeStamps.attributes);
  return {
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
    ...(changedAt === undefined ? {} : { changedAt }),
  };
}

/** Some programs write both numbers into the low word, as old kernels joined them. */
function parseDevice(bytes: Buffer): NonNullable<RockRidge['device']> {
  assertLength(bytes, device.bytes);
  const high = bytes.readUInt32LE(device.high);
  const low = bytes.readUInt32LE(device.low);
  return high === 0 && low > 0xff ? { major: low >>> 8, minor: low & 0xff } : { major: high, minor: low };
}
