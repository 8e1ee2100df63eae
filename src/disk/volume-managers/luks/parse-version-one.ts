import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import type { LuksHeader } from './header.ts';
import * as layout from './layout.ts';
import { readLuksmeta } from './read-luksmeta.ts';

const place = layout.versionOne;

/** @throws ColdpatchError `volume_corrupt`. */
export function parseVersionOne(volume: ByteSource): LuksHeader {
  const bytes = peek(volume, 0n, place.bytes);
  if (bytes === undefined) throw volumeCorrupt('Expected a header of LUKS 1, but the volume ends before it.');
  const reader = binaryReader(bytes, { order: 'big', code: 'volume_corrupt', what: 'the header of LUKS 1' });
  const words = [place.cipher, place.mode].map((at) => reader.text(at, place.textBytes));
  const cipher = words.join('-');
  const slots = Array.from({ length: place.slotCount }, (_, index) => slotAt(reader, index));
  return {
    version: 1,
    uuid: reader.text(place.uuid, place.uuidBytes),
    label: '',
    cipher: /^[\w.:-]{1,65}$/.test(cipher) ? cipher : quote(cipher),
    slots: slots.filter(({ isActive }) => isActive).length,
    bindings: readLuksmeta(volume, endOfMaterial(reader, slots)),
  };
}

interface Slot {
  readonly isActive: boolean;
  /** Sector of its key material. */
  readonly start: number;
  readonly stripes: number;
}

function slotAt(reader: BinaryReader, index: number): Slot {
  const at = place.slots + index * place.slotBytes;
  return {
    isActive: reader.u32(at + layout.slot.active) === layout.activeSlot,
    start: reader.u32(at + layout.slot.materialSector),
    stripes: reader.u32(at + layout.slot.stripes),
  };
}

/** The byte behind the key material of all slots, used or not. */
function endOfMaterial(reader: BinaryReader, slots: readonly Slot[]): bigint {
  const keyBytes = BigInt(reader.u32(place.keyBytes));
  return slots.reduce((end, { start, stripes }) => {
    const own = BigInt(start) * 512n + keyBytes * BigInt(stripes);
    return own > end ? own : end;
  }, 0n);
}
