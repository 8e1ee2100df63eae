import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import type { Gap } from '../../../lib/gap.ts';
import { joinedSource } from '../joined-source.ts';
import { stripedSource } from '../striped-source.ts';
import type { VolumeMember } from '../types.ts';
import { volumeCorrupt, volumeMissing, volumeUnsupported } from '../volume-errors.ts';
import { level, mostMembers } from './layout.ts';
import type { Superblock } from './superblock.ts';

export interface ArrayMember {
  readonly member: VolumeMember;
  readonly superblock: Superblock;
}

export interface OpenedArray {
  readonly bytes: ByteSource;
  /** What does not prevent the reading, but must not be hidden. */
  readonly gaps: readonly Omit<Gap, 'where'>[];
}

/**
 * @param members of one array, at least one, the one that changed last first.
 * @throws ColdpatchError `volume_corrupt`, `volume_unsupported`, `volume_missing`.
 */
export function openArray(members: readonly ArrayMember[]): OpenedArray {
  const { superblock } = members[0] as ArrayMember;
  if (superblock.isReshaped) {
    throw volumeUnsupported('Expected an array at rest, but it is being given another shape.');
  }
  if (superblock.devices === 0 || superblock.devices > mostMembers) {
    throw volumeCorrupt(`Expected 1 to ${mostMembers} members of an array, but found ${superblock.devices}.`);
  }
  switch (superblock.level) {
    case level.mirrored:
      return openMirror(members, superblock);
    case level.striped:
      return { bytes: openStriped(inOrder(members, superblock), superblock), gaps: [] };
    case level.linear:
      return { bytes: openLinear(inOrder(members, superblock), superblock), gaps: [] };
    default:
      throw volumeUnsupported(
        `Expected an array of level 0, 1 or linear, but found level ${superblock.level}; it was not read.`,
      );
  }
}

function openMirror(members: readonly ArrayMember[], { events, devices }: Superblock): OpenedArray {
  const current = members.filter(
    ({ superblock }) => superblock.events === events && superblock.role !== undefined && superblock.isWhole,
  );
  // While an array is being synchronised, the first member is the one that the others are made to equal.
  const [chosen] = current.toSorted((a, b) => (a.superblock.role as number) - (b.superblock.role as number));
  if (chosen === undefined) {
    throw volumeMissing(
      'Expected a whole and current member of the mirror in this image, but there is none.',
    );
  }
  const size = chosen.superblock.usedSize;
  const present = new Set(
    members.map(({ superblock }) => superblock.role).filter((role) => role !== undefined),
  );
  const detail =
    `Read from ${chosen.member.name}, one of ${devices} members of a mirror; ` +
    'others are not in this image, and nothing here tells whether they are newer.';
  return {
    bytes: sliceOf(chosen.member.bytes, chosen.superblock.dataStart, size),
    gaps: present.size < devices ? [{ reason: 'missing', detail }] : [],
  };
}

function openStriped(members: readonly ArrayMember[], { chunkBytes }: Superblock): ByteSource {
  const chunk = checkedChunk(chunkBytes);
  const parts = members.map((member) => dataOf(member, chunk));
  const sizes = new Set(parts.map(({ size }) => size));
  if (sizes.size !== 1) {
    throw volumeUnsupported('Expected members of equal size in a striped array, but they differ.');
  }
  return stripedSource(parts, chunkBytes);
}

function openLinear(members: readonly ArrayMember[], { chunkBytes }: Superblock): ByteSource {
  const chunk = chunkBytes === 0 ? 512n : checkedChunk(chunkBytes);
  return joinedSource(members.map((member) => dataOf(member, chunk)));
}

function checkedChunk(chunkBytes: number): bigint {
  if (chunkBytes === 0 || chunkBytes % 512 !== 0 || chunkBytes > 2 ** 31) {
    throw volumeCorrupt(`Expected chunks of whole sectors in an array, but found ${chunkBytes} bytes.`);
  }
  return BigInt(chunkBytes);
}

/** Only whole chunks are used. */
function dataOf({ member, superblock }: ArrayMember, chunk: bigint): ByteSource {
  const { dataStart, dataSize } = superblock;
  return sliceOf(member.bytes, dataStart, dataSize - (dataSize % chunk));
}

/** One member for each place, all of the same age: an array without redundancy needs every one. */
function inOrder(members: readonly ArrayMember[], newest: Superblock): readonly ArrayMember[] {
  return Array.from({ length: newest.devices }, (_, role) => {
    const [found, ...others] = members.filter(({ superblock }) => superblock.role === role);
    if (found === undefined) {
      throw volumeMissing(
        `Expected member ${role} of ${newest.devices} of an array, but it is not in this image.`,
      );
    }
    if (others.length > 0 || found.superblock.events !== newest.events) {
      throw volumeCorrupt(
        `Expected one member ${role} of an array, as old as the others, but found another.`,
      );
    }
    return found;
  });
}
