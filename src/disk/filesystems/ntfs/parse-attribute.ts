import { exactNumber } from './exact-number.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attribute as place } from './layout.ts';
import { structureReader } from './structure-reader.ts';

interface AnyAttribute {
  readonly type: number;
  /** Empty for most; `$I30` for the index of a directory. */
  readonly name: string;
  readonly flags: number;
  /** Tells apart the attributes of one record. */
  readonly instance: number;
}

/** An attribute whose value is in the file record. */
export interface ResidentAttribute extends AnyAttribute {
  readonly kind: 'resident';
  readonly value: Uint8Array;
}

/** An attribute, or a part of one, whose value is in clusters. */
export interface MappedAttribute extends AnyAttribute {
  readonly kind: 'mapped';
  /** The clusters of the value that this part maps; the last is -1 when there are none. */
  readonly firstCluster: number;
  readonly lastCluster: number;
  /** The encoded runs. */
  readonly runs: Uint8Array;
  /** Exponent of the clusters that are compressed together. */
  readonly compressionUnit: number;
  /** Bytes; meaningful in the first part only. What is behind the initialized ones reads as zeros. */
  readonly size: number;
  readonly initializedSize: number;
}

export type Attribute = ResidentAttribute | MappedAttribute;

const noClusters = 0xffffffffffffffffn;

/** @param bytes exactly one attribute. @param what its place, for messages. */
export function parseAttribute(bytes: Uint8Array, what: string): Attribute {
  const reader = structureReader(bytes, `an attribute of ${what}`);
  const nameBytes = reader.bytes(reader.u16(place.nameOffset), reader.u8(place.nameLength) * 2);
  const common = {
    type: reader.u32(place.type),
    name: Buffer.from(nameBytes).toString('utf16le'),
    flags: reader.u16(place.flags),
    instance: reader.u16(place.instance),
  };
  if (reader.u8(place.isMapped) === 0) {
    const value = reader.bytes(reader.u16(place.valueOffset), reader.u32(place.valueLength));
    return { kind: 'resident', ...common, value };
  }
  const firstCluster = exactNumber(reader.u64(place.firstCluster), `the first cluster in ${what}`);
  const last = reader.u64(place.lastCluster);
  const lastCluster = last === noClusters ? -1 : exactNumber(last, `the last cluster in ${what}`);
  const runsOffset = reader.u16(place.runsOffset);
  const isFirst = firstCluster === 0;
  const size = isFirst ? exactNumber(reader.u64(place.size), `the size of a value of ${what}`) : 0;
  const initializedSize = isFirst
    ? exactNumber(reader.u64(place.initializedSize), `the initialized size of a value of ${what}`)
    : 0;
  if (initializedSize > size) {
    throw filesystemCorrupt(
      `Expected at most ${size} initialized bytes in a value of ${what}, but found ${initializedSize}.`,
    );
  }
  return {
    kind: 'mapped',
    ...common,
    firstCluster,
    lastCluster,
    runs: reader.bytes(runsOffset, bytes.length - runsOffset),
    compressionUnit: reader.u8(place.compressionUnit),
    size,
    initializedSize,
  };
}
