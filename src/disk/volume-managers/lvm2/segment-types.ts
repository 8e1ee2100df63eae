import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { quote } from '../../quote.ts';
import { stripedSource } from '../striped-source.ts';
import { volumeCorrupt, volumeMissing, volumeUnsupported } from '../volume-errors.ts';
import { sectorBytes } from './layout.ts';
import type { LogicalVolume, Segment } from './parse-volume-group.ts';
import type { TextValue } from './parse-text.ts';
import { readRaidState } from './read-raid-state.ts';
import { listIn, numberIn, textIn } from './text-fields.ts';
import { openThinPool } from './thin/open-thin-pool.ts';
import type { VolumeMapper } from './volume-mapper.ts';

type OpenSegment = (
  mapper: VolumeMapper,
  volume: LogicalVolume,
  segment: Segment,
  depth: number,
) => ByteSource;

const known: ReadonlyMap<string, OpenSegment> = new Map<string, OpenSegment>([
  ['striped', openStriped],
  ['mirror', openMirror],
  ['raid1', openRaidMirror],
  ['thin', openThin],
  ['zero', openZero],
  ['error', openError],
]);

/** How the bytes of a segment of `type` are found. */
export function segmentTypes(type: string): OpenSegment {
  return (
    known.get(type) ??
    ((_, { name }) => {
      throw volumeUnsupported(
        `Expected segments of one of the types ${[...known.keys()].join(', ')} in ${quote(name)}, but found ${quote(type)}.`,
      );
    })
  );
}

/** Linear, too: that is one stripe. */
function openStriped(
  mapper: VolumeMapper,
  volume: LogicalVolume,
  segment: Segment,
  depth: number,
): ByteSource {
  const areas = areasOf(volume, listIn(segment.fields, 'stripes'));
  const each = segment.extents / areas.length;
  if (areas.length !== numberIn(segment.fields, 'stripe_count') || !Number.isInteger(each)) {
    throw volumeCorrupt(
      `Expected as many stripes in ${quote(volume.name)} as its metadata says, but found others.`,
    );
  }
  const parts = areas.map(({ name, start }) => mapper.openArea(name, start, each, depth));
  if (parts.length === 1) return parts[0] as ByteSource;
  const stripeBytes = numberIn(segment.fields, 'stripe_size') * sectorBytes;
  if (stripeBytes === 0 || (parts[0] as ByteSource).size % BigInt(stripeBytes) !== 0n) {
    throw volumeCorrupt(
      `Expected stripes of ${quote(volume.name)} to divide an extent, but found ${stripeBytes} bytes.`,
    );
  }
  return stripedSource(parts, stripeBytes);
}

/** The old kind of mirror. Its log says which leg is sound; the first is, as long as it is there. */
function openMirror(
  mapper: VolumeMapper,
  volume: LogicalVolume,
  segment: Segment,
  depth: number,
): ByteSource {
  const [first] = areasOf(volume, listIn(segment.fields, 'mirrors'));
  if (first === undefined)
    throw volumeCorrupt(`Expected legs in the mirror ${quote(volume.name)}, but it has none.`);
  return mapper.openArea(first.name, first.start, segment.extents, depth);
}

/** One leg of dm-raid: of those that are whole, the one with the newest state. */
function openRaidMirror(
  mapper: VolumeMapper,
  volume: LogicalVolume,
  segment: Segment,
  depth: number,
): ByteSource {
  const names = listIn(segment.fields, 'raids');
  const legs = Array.from({ length: Math.floor(names.length / 2) }, (_, position) => ({
    position,
    state: nameAt(volume, names, position * 2),
    data: nameAt(volume, names, position * 2 + 1),
  }));
  if (legs.length === 0)
    throw volumeCorrupt(`Expected legs in the mirror ${quote(volume.name)}, but it has none.`);
  const present = legs.flatMap((leg) => {
    try {
      const data = mapper.openArea(leg.data, 0, segment.extents, depth);
      const state = readRaidState(mapper.open(leg.state, depth + 1), leg.position);
      return [{ ...leg, data, state }];
    } catch (error) {
      if (isColdpatchError(error, 'volume_missing')) return [];
      throw error;
    }
  });
  if (present.length < legs.length && present.length > 0) {
    mapper.note(volume.name, {
      reason: 'missing',
      detail:
        `Read from ${present.length} of ${legs.length} legs of a mirror; ` +
        'the others are not in this image, and nothing here tells whether they are newer.',
    });
  }
  const newest = present.reduce((events, { state }) => (state.events > events ? state.events : events), 0n);
  // A mirror that was never active has no state yet; the kernel would copy its first leg to the others.
  const failed = present
    .filter(({ state }) => state.events === newest)
    .reduce((all, { state }) => all | state.failed, 0n);
  const chosen = present.find(
    ({ state, position }) =>
      state.events === newest && state.isWhole && ((failed >> BigInt(position)) & 1n) === 0n,
  );
  if (chosen === undefined) {
    throw volumeMissing(
      `Expected a whole leg of the mirror ${quote(volume.name)} in this image, but there is none.`,
    );
  }
  return chosen.data;
}

function openThin(mapper: VolumeMapper, volume: LogicalVolume, segment: Segment, depth: number): ByteSource {
  if (segment.fields.has('external_origin')) {
    throw volumeUnsupported(
      `Expected ${quote(volume.name)} to lie in its pool, but it has an external origin.`,
    );
  }
  const pool = openThinPool(mapper, textIn(segment.fields, 'thin_pool'), depth);
  const { extentBytes } = mapper.group;
  const start = BigInt(segment.startExtent) * extentBytes;
  const size = BigInt(segment.extents) * extentBytes;
  return sliceOf(pool.openDevice(numberIn(segment.fields, 'device_id'), start + size), start, size);
}

function openZero(mapper: VolumeMapper, _: LogicalVolume, segment: Segment): ByteSource {
  const size = BigInt(segment.extents) * mapper.group.extentBytes;
  return {
    size,
    read(_offset, into) {
      into.fill(0);
    },
  };
}

/** What LVM puts in the place of a part that was lost. */
function openError(mapper: VolumeMapper, { name }: LogicalVolume): ByteSource {
  throw volumeMissing(
    `Expected all parts of ${quote(name)} in the group ${mapper.group.name}, but one was lost, and its group goes on without it.`,
  );
}

/** Pairs of a name and an extent: `["pv0", 0, "pv1", 0]`. */
function areasOf(
  volume: LogicalVolume,
  list: readonly TextValue[],
): readonly { readonly name: string; readonly start: number }[] {
  return Array.from({ length: Math.ceil(list.length / 2) }, (_, index) => {
    const start = list[index * 2 + 1];
    if (typeof start !== 'number' || !Number.isSafeInteger(start) || start < 0) {
      throw volumeCorrupt(`Expected an extent behind each area of ${quote(volume.name)}, but found none.`);
    }
    return { name: nameAt(volume, list, index * 2), start };
  });
}

function nameAt(volume: LogicalVolume, list: readonly TextValue[], index: number): string {
  const name = list[index];
  if (typeof name === 'string') return name;
  throw volumeCorrupt(`Expected the name of an area of ${quote(volume.name)}, but found none.`);
}
