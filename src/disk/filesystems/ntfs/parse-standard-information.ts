import { standardInformation } from './layout.ts';
import { structureReader } from './structure-reader.ts';

/** 1601 to 1970, in units of 100 ns. */
const epoch = 116_444_736_000_000_000n;

export interface StandardInformation {
  /** Nanoseconds since 1970. */
  readonly modifiedAt: bigint;
  readonly changedAt: bigint;
  /** Flags such as read-only, hidden, offline. */
  readonly attributes: number;
}

export function parseStandardInformation(bytes: Uint8Array, what: string): StandardInformation {
  const reader = structureReader(bytes, `the standard information of ${what}`);
  return {
    modifiedAt: nanoseconds(reader.u64(standardInformation.modifiedAt)),
    changedAt: nanoseconds(reader.u64(standardInformation.changedAt)),
    attributes: reader.u32(standardInformation.attributes),
  };
}

function nanoseconds(fileTime: bigint): bigint {
  return (BigInt.asIntN(64, fileTime) - epoch) * 100n;
}
