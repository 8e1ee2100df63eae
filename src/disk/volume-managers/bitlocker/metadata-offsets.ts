import { binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { peek } from '../../peek.ts';
import * as layout from './layout.ts';

/** The bytes at which the metadata and its copies should be, or undefined when this is no BitLocker. */
export function metadataOffsets(volume: ByteSource): readonly bigint[] | undefined {
  const sector = peek(volume, 0n, layout.bootSectorBytes);
  if (sector === undefined) return undefined;
  const reader = binaryReader(sector, {
    order: 'little',
    code: 'volume_corrupt',
    what: "BitLocker's first sector",
  });
  const place = layout.bootSector;
  const threeFrom = (at: number): readonly bigint[] =>
    Array.from({ length: layout.copies }, (_, index) => reader.u64(at + index * 8));
  if (hasBytes(volume, layout.signatureAt, layout.signature)) {
    if (!hasBytes(volume, BigInt(place.jump), layout.vistaJump)) return threeFrom(place.metadata);
    const clusterBytes = BigInt(reader.u16(place.sectorBytes) * reader.u8(place.clusterSectors));
    return [reader.u64(place.vistaMetadata) * clusterBytes];
  }
  const isPortable =
    hasBytes(volume, layout.signatureAt, layout.portableSignature) &&
    hasBytes(volume, layout.portableIdentifierAt, Buffer.from(layout.identifier, 'hex').toString('latin1'));
  return isPortable ? threeFrom(place.portableMetadata) : undefined;
}
