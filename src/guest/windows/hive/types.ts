import type { Gap } from '../../../lib/gap.ts';

/** A hive of the Windows registry, read lazily. Every reading throws `registry_corrupt` where the hive contradicts itself. */
export interface Hive {
  readonly root: HiveKey;
  /** What its transaction logs hold and was not read. */
  readonly gaps: readonly Gap[];
}

export interface HiveKey {
  readonly name: string;
  /** FILETIME: 100 nanoseconds since 1601. */
  readonly writtenAt: bigint;
  /** In the order of the hive. */
  subkeys(): readonly HiveKey[];
  /** The key at a path of names between backslashes, below this one. Case does not count. */
  find(path: string): HiveKey | undefined;
  values(): readonly HiveValue[];
  /** Case does not count. */
  value(name: string): HiveValue | undefined;
}

export interface HiveValue {
  /** Empty for the default value of a key. */
  readonly name: string;
  /** `valueTypes` of the layout, or any other number. */
  readonly type: number;
  bytes(): Uint8Array;
}
