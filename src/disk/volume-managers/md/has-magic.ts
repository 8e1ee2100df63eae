import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import * as layout from './layout.ts';

/** The bytes at which a superblock may stand: of version 1.2, 1.1 and 1.0, then of 0.90. */
export function superblockPlaces(volume: ByteSource): readonly [bigint, bigint, bigint, bigint] {
  const sectors = volume.size / BigInt(layout.sectorBytes);
  const nearEnd = sectors < 16n ? -1n : ((sectors - 16n) & ~7n) * BigInt(layout.sectorBytes);
  const { reserved } = layout.versionZero;
  return [4096n, 0n, nearEnd, (volume.size & ~(reserved - 1n)) - reserved];
}

/**
 * Whether the magic of a superblock stands anywhere.
 * That must do: a mirror's half shows a sound filesystem, but to change it would split the mirror.
 */
export function hasMagic(volume: ByteSource): boolean {
  const places = superblockPlaces(volume);
  const found = places.map((place) => peek(volume, place, 4));
  return (
    found.some((bytes) => bytes?.readUInt32LE() === layout.magic) || found[3]?.readUInt32BE() === layout.magic
  );
}
