/** What one member of an array says, of whichever version. Sizes and offsets are bytes. */
export interface Superblock {
  readonly version: '0.90' | '1.0' | '1.1' | '1.2';
  /** 32 hexadecimal digits in four groups, as mdadm prints it. */
  readonly uuid: string;
  /** `host:name` or `name`; empty in version 0.90. */
  readonly name: string;
  /** The number of the device, in version 0.90 only. */
  readonly minor?: number;
  readonly level: number;
  readonly devices: number;
  /** The place of this member in the array; undefined for spares, journals and what has failed. */
  readonly role?: number;
  /** Grows with every change of the array. */
  readonly events: bigint;
  /** False while it is being filled, when it has bad blocks, or replaces another. */
  readonly isWhole: boolean;
  readonly isReshaped: boolean;
  /** Where the data of this member begin, and how much there may be. */
  readonly dataStart: bigint;
  readonly dataSize: bigint;
  /** Of each member, of arrays with redundancy; may be 0 in others. */
  readonly usedSize: bigint;
  readonly chunkBytes: number;
}
