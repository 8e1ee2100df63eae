import { binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { crc32c } from '../../../lib/crc32c.ts';
import { formatUuid } from '../../format-uuid.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import type { Binding } from '../binding.ts';
import * as layout from './layout.ts';
import { parseClevis } from './parse-clevis.ts';

const place = layout.meta;

/**
 * What luksmeta keeps beside the key slots of LUKS 1.
 * @param materialEnd the byte behind the key material.
 * @throws ColdpatchError `volume_corrupt`.
 */
export function readLuksmeta(volume: ByteSource, materialEnd: bigint): readonly Binding[] {
  const alignment = BigInt(layout.metaAlignment);
  const start = ((materialEnd + alignment - 1n) / alignment) * alignment;
  const bytes = peek(volume, start, place.bytes);
  if (bytes?.subarray(0, layout.metaMagic.length).toString('latin1') !== layout.metaMagic) return [];
  const reader = binaryReader(bytes, { order: 'big', code: 'volume_corrupt', what: "luksmeta's header" });
  const zeroed = Buffer.from(bytes);
  zeroed.writeUInt32BE(0, place.checksum);
  if (digest(zeroed) !== reader.u32(place.checksum)) {
    throw volumeCorrupt("Expected luksmeta's header to match its checksum, but it does not.");
  }
  return Array.from(
    { length: layout.versionOne.slotCount },
    (_, index) => place.slots + index * place.slotBytes,
  )
    .filter((at) => formatUuid(reader.bytes(at + place.slotUuid, 16)) === layout.clevisUuid)
    .flatMap((at) => {
      const length = reader.u32(at + place.slotLength);
      const token =
        length <= layout.mostTokenBytes
          ? peek(volume, start + BigInt(reader.u32(at + place.slotOffset)), length)
          : undefined;
      if (token === undefined || digest(token) !== reader.u32(at + place.slotChecksum)) {
        throw volumeCorrupt('Expected what luksmeta keeps to match its checksum, but it does not.');
      }
      return parseClevis(token.toString('latin1').split('.', 1)[0] as string);
    });
}

function digest(bytes: Uint8Array): number {
  return (crc32c(0xffffffff, bytes) ^ 0xffffffff) >>> 0;
}
