import type { ByteSource } from '../../lib/byte-source.ts';
import type { GapReason } from '../../lib/gap.ts';
import { hasBytes } from '../has-bytes.ts';
import { peek } from '../peek.ts';

/** Something known that cannot be read. */
export interface RecognisedContent {
  readonly reason: GapReason;
  /** Goes on after "partition 1 ...". */
  readonly detail: string;
}

interface KnownContent extends RecognisedContent {
  readonly matches: (volume: ByteSource) => boolean;
}

const at =
  (offset: bigint, magic: string) =>
  (volume: ByteSource): boolean =>
    hasBytes(volume, offset, magic);

/** A superblock of UFS ends with its magic. */
const hasUfs =
  (superblock: bigint, magic: string) =>
  (volume: ByteSource): boolean =>
    hasBytes(volume, superblock + 1372n, magic);

const bcacheMagic = '\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81';

/** What says that the bytes below are not simply a filesystem. These come before any filesystem. */
const containers: readonly KnownContent[] = [
  {
    reason: 'unsupported',
    detail: 'is a member of an Intel firmware RAID',
    matches: (volume) => hasBytes(volume, lastSectors(volume, 2n), 'Intel Raid ISM Cfg Sig. '),
  },
  {
    reason: 'unsupported',
    detail: 'is a member of a firmware RAID (DDF)',
    matches: (volume) => hasBytes(volume, lastSectors(volume, 1n), '\xde\x11\xde\x11'),
  },
  { reason: 'unsupported', detail: 'is a device of bcache', matches: at(4096n + 24n, bcacheMagic) },
];

const filesystems: readonly KnownContent[] = [
  { reason: 'unsupported', detail: 'holds an EROFS filesystem', matches: at(1024n, '\xe2\xe1\xf5\xe0') },
  { reason: 'unsupported', detail: 'holds an F2FS filesystem', matches: at(1024n, '\x10\x20\xf5\xf2') },
  { reason: 'unsupported', detail: 'holds a ReiserFS filesystem', matches: at(0x10034n, 'ReIsEr') },
  { reason: 'unsupported', detail: 'holds a JFS filesystem', matches: at(0x8000n, 'JFS1') },
  { reason: 'unsupported', detail: 'holds a UDF filesystem', matches: at(0x8001n, 'BEA01') },
  {
    reason: 'unsupported',
    detail: 'holds a UFS filesystem (version 1)',
    matches: hasUfs(8192n, '\x54\x19\x01\x00'),
  },
  {
    reason: 'unsupported',
    detail: 'holds a UFS filesystem (version 2)',
    matches: hasUfs(65_536n, '\x19\x01\x54\x19'),
  },
  { reason: 'unsupported', detail: 'is a device of ZFS', matches: hasZfsUberblocks },
];

/** All of them, for the documentation. */
export const knownContents: readonly RecognisedContent[] = [...containers, ...filesystems];

/** A container of volumes, or undefined: ask before any filesystem. */
export function recogniseContainer(volume: ByteSource): RecognisedContent | undefined {
  return find(containers, volume);
}

/** A filesystem that is known and not supported, or undefined. */
export function recogniseFilesystem(volume: ByteSource): RecognisedContent | undefined {
  return find(filesystems, volume);
}

function find(known: readonly KnownContent[], volume: ByteSource): RecognisedContent | undefined {
  const found = known.find(({ matches }) => matches(volume));
  return found === undefined ? undefined : { reason: found.reason, detail: found.detail };
}

/** The byte at which the last `count` sectors begin. */
function lastSectors(volume: ByteSource, count: bigint): bigint {
  return (volume.size / 512n - count) * 512n;
}

/** A label has 128 uberblocks of 1 KiB from byte 131072 on; as few as four prove it is no accident. */
function hasZfsUberblocks(volume: ByteSource): boolean {
  const area = peek(volume, 131_072n, 131_072);
  if (area === undefined) {
    return false;
  }
  let found = 0;
  for (let place = 0; place < area.length; place += 1024) {
    const magic = area.readBigUInt64LE(place);
    found += magic === 0x00bab10cn || magic === 0x0cb1ba0000000000n ? 1 : 0;
  }
  return found >= 4;
}
