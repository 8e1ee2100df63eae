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

const raidMagic = '\xfc\x4e\x2b\xa9';
const raidMagicBigEndian = '\xa9\x2b\x4e\xfc';
const bcacheMagic = '\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81';

/**
 * What says that the bytes below are not simply a filesystem.
 * These come before any filesystem: a mirror's half shows a sound ext4, but to change it would split the mirror.
 */
const containers: readonly KnownContent[] = [
  {
    reason: 'unsupported',
    detail: 'is a member of a Linux RAID (md)',
    matches: (volume) => hasRaidSuperblock(volume),
  },
  {
    reason: 'unsupported',
    detail: 'is a physical volume of LVM',
    matches: (volume) =>
      [0n, 512n, 1024n, 1536n].some(
        (sector) => hasBytes(volume, sector, 'LABELONE') && hasBytes(volume, sector + 24n, 'LVM2 001'),
      ),
  },
  { reason: 'encrypted', detail: 'is encrypted by LUKS 1', matches: at(0n, 'LUKS\xba\xbe\0\x01') },
  { reason: 'encrypted', detail: 'is encrypted by LUKS 2', matches: at(0n, 'LUKS\xba\xbe\0\x02') },
  { reason: 'encrypted', detail: 'is encrypted by BitLocker', matches: at(3n, '-FVE-FS-') },
  { reason: 'unsupported', detail: 'is a device of bcache', matches: at(4096n + 24n, bcacheMagic) },
];

const filesystems: readonly KnownContent[] = [
  { reason: 'unsupported', detail: 'holds an EROFS filesystem', matches: at(1024n, '\xe2\xe1\xf5\xe0') },
  { reason: 'unsupported', detail: 'holds an F2FS filesystem', matches: at(1024n, '\x10\x20\xf5\xf2') },
  { reason: 'unsupported', detail: 'holds a ReiserFS filesystem', matches: at(0x10034n, 'ReIsEr') },
  { reason: 'unsupported', detail: 'holds a JFS filesystem', matches: at(0x8000n, 'JFS1') },
  { reason: 'unsupported', detail: 'holds a UDF filesystem', matches: at(0x8001n, 'BEA01') },
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

/** Versions 1.1 and 1.2 near the start, 1.0 and 0.90 near the end, of which the last has the machine's byte order. */
function hasRaidSuperblock(volume: ByteSource): boolean {
  const sectors = volume.size / 512n;
  const places = [0n, 4096n, ((sectors - 16n) & ~7n) * 512n];
  const oldPlace = (volume.size & ~65_535n) - 65_536n;
  return (
    places.some((place) => hasBytes(volume, place, raidMagic)) ||
    hasBytes(volume, oldPlace, raidMagic) ||
    hasBytes(volume, oldPlace, raidMagicBigEndian)
  );
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
