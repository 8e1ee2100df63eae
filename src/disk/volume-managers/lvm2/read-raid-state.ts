import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { raidMagic, raidSuperblock as place, recovered } from './layout.ts';

/** What dm-raid wrote beside one leg of a mirror. */
export interface RaidState {
  /** Grows with every change of the array; 0 when it was never active. */
  readonly events: bigint;
  /** A bit for each leg that failed. */
  readonly failed: bigint;
  /** False while it is being filled from another leg. */
  readonly isWhole: boolean;
}

/** @throws ColdpatchError `volume_corrupt`. */
export function readRaidState(metadata: ByteSource, position: number): RaidState {
  const reader = binaryReader(readBytes(metadata, 0n, place.bytes), {
    order: 'little',
    code: 'volume_corrupt',
    what: 'the superblock of dm-raid',
  });
  if (reader.u32(place.magic) !== raidMagic) return { events: 0n, failed: 0n, isWhole: true };
  const found = reader.u32(place.position);
  if (found !== position) {
    throw volumeCorrupt(
      `Expected leg ${position} of a mirror, but its superblock says ${quote(`${found}`)}.`,
    );
  }
  return {
    events: reader.u64(place.events),
    failed: reader.u64(place.failedDevices),
    isWhole: reader.u64(place.recoveryOffset) === recovered,
  };
}
