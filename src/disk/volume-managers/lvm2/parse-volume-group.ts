import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { sectorBytes } from './layout.ts';
import { parseText, type TextSection } from './parse-text.ts';
import { isSection, numberIn, sectionIn, textIn, wordsIn } from './text-fields.ts';

export interface VolumeGroup {
  readonly name: string;
  /** With dashes, as LVM prints it. */
  readonly id: string;
  /** Grows with every change of the group. */
  readonly sequence: number;
  readonly isExported: boolean;
  readonly extentBytes: bigint;
  readonly physicalVolumes: ReadonlyMap<string, PhysicalVolume>;
  readonly logicalVolumes: ReadonlyMap<string, LogicalVolume>;
}

export interface PhysicalVolume {
  readonly id: string;
  /** The device name when the group was changed last: only a hint. */
  readonly device: string;
  /** Byte of the first extent. */
  readonly start: bigint;
  readonly extents: number;
  /** The group goes on without it: what it holds is old. */
  readonly isMissing: boolean;
}

export interface LogicalVolume {
  readonly name: string;
  readonly id: string;
  /** Others are parts of volumes. */
  readonly isVisible: boolean;
  /** The machine does not activate it by itself: so are snapshots of thin volumes. */
  readonly isSkipped: boolean;
  /** In their order, without holes. */
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly type: string;
  readonly startExtent: number;
  readonly extents: number;
  /** What only segments of this type have. */
  readonly fields: TextSection;
}

/** Names as LVM allows them; they become device names. */
const allowedName = /^(?!\.{1,2}$)[\w.+][\w.+-]{0,127}$/;

/** @throws ColdpatchError `volume_corrupt`, `limit_exceeded`. */
export function parseVolumeGroup(text: string): VolumeGroup {
  const whole = parseText(text);
  const groups = [...whole].filter(([, value]) => isSection(value));
  const [name, group] = groups[0] ?? [];
  if (name === undefined || !isSection(group) || groups.length !== 1) {
    throw volumeCorrupt(`Expected one volume group in LVM's metadata, but found ${groups.length}.`);
  }
  const extentSectors = numberIn(group, 'extent_size');
  if (extentSectors === 0) throw volumeCorrupt('Expected extents of LVM to have a size, but it is 0.');
  return {
    name: checkedName(name),
    id: textIn(group, 'id'),
    sequence: numberIn(group, 'seqno'),
    isExported: wordsIn(group, 'status').includes('EXPORTED'),
    extentBytes: BigInt(extentSectors) * BigInt(sectorBytes),
    physicalVolumes: entriesOf(group, 'physical_volumes', parsePhysicalVolume),
    logicalVolumes: entriesOf(group, 'logical_volumes', parseLogicalVolume),
  };
}

function entriesOf<T>(
  group: TextSection,
  name: string,
  parse: (section: TextSection, name: string) => T,
): ReadonlyMap<string, T> {
  if (!group.has(name)) return new Map();
  const entries = sectionIn(group, name);
  return new Map([...entries.keys()].map((key) => [key, parse(sectionIn(entries, key), key)]));
}

function parsePhysicalVolume(section: TextSection): PhysicalVolume {
  return {
    id: textIn(section, 'id'),
    device: section.has('device') ? textIn(section, 'device') : '',
    start: BigInt(numberIn(section, 'pe_start')) * BigInt(sectorBytes),
    extents: numberIn(section, 'pe_count'),
    isMissing: marks(section).includes('MISSING'),
  };
}

function parseLogicalVolume(section: TextSection, name: string): LogicalVolume {
  const segments = [...section]
    .filter(([key, value]) => /^segment\d+$/.test(key) && isSection(value))
    .map(([, value]) => parseSegment(value as TextSection))
    .toSorted((a, b) => a.startExtent - b.startExtent);
  let next = 0;
  for (const { startExtent, extents } of segments) {
    if (startExtent !== next || extents === 0) {
      throw volumeCorrupt(
        `Expected a segment of ${quote(name)} at extent ${next}, but found one of ${extents} at ${startExtent}.`,
      );
    }
    next += extents;
  }
  if (segments.length === 0 || segments.length !== numberIn(section, 'segment_count')) {
    throw volumeCorrupt(`Expected all segments of ${quote(name)}, but found ${segments.length}.`);
  }
  const status = marks(section);
  return {
    name: checkedName(name),
    id: textIn(section, 'id'),
    isVisible: status.includes('VISIBLE'),
    isSkipped: status.includes('ACTIVATION_SKIP'),
    segments,
  };
}

function parseSegment(section: TextSection): Segment {
  return {
    // Newer versions add what they need to know behind a plus sign: `raid1+...`.
    type: textIn(section, 'type').split('+')[0] as string,
    startExtent: numberIn(section, 'start_extent'),
    extents: numberIn(section, 'extent_count'),
    fields: section,
  };
}

/** Of `flags`, old versions of LVM need to know nothing; of `status`, everything. */
function marks(section: TextSection): readonly string[] {
  return [...wordsIn(section, 'status'), ...wordsIn(section, 'flags')];
}

function checkedName(name: string): string {
  if (allowedName.test(name)) return name;
  throw volumeCorrupt(`Expected a name that LVM allows, but found ${quote(name)}.`);
}
