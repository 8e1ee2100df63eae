import { crc32 } from 'node:zlib';
import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { formatGuid } from '../../format-guid.ts';
import * as layout from './layout.ts';
import { metadataOffsets } from './metadata-offsets.ts';

/** What BitLocker tells without any key. */
export interface BitlockerMetadata {
  readonly uuid: string;
  /** What Windows noted of the volume: its machine, its letter, the day. */
  readonly description: string;
  /** `AES-XTS 128`. */
  readonly cipher: string;
  /** What opens the volume, each for itself: `TPM`, `recovery password`, ... */
  readonly protectors: readonly string[];
}

/** The first copy of the metadata whose checksum is right. @throws ColdpatchError `volume_corrupt`, `limit_exceeded`. */
export function parseMetadata(volume: ByteSource): BitlockerMetadata {
  for (const offset of metadataOffsets(volume) ?? []) {
    const block = readBlock(volume, offset);
    if (block !== undefined) return parseBlock(block);
  }
  throw volumeCorrupt(
    "Expected BitLocker's metadata that match their checksum, but found none: only the recovery tools of Windows can tell more.",
  );
}

/** Undefined when it is damaged. */
function readBlock(volume: ByteSource, offset: bigint): BinaryReader | undefined {
  const start = peek(volume, offset, layout.blockHeader.bytes);
  if (start === undefined || !hasBytes(volume, offset, layout.signature)) return undefined;
  const size = start.readUInt16LE(layout.blockHeader.size);
  const bytes = start.readUInt16LE(layout.blockHeader.version) === 1 ? size : size * 16;
  const block = peek(volume, offset, bytes);
  const validation = peek(volume, offset + BigInt(bytes), layout.validation.bytes);
  if (block === undefined || validation === undefined || bytes > layout.mostMetadataBytes) return undefined;
  if (validation.readUInt32LE(layout.validation.checksum) !== crc32(block)) return undefined;
  return binaryReader(block, { order: 'little', code: 'volume_corrupt', what: "BitLocker's metadata" });
}

function parseBlock(reader: BinaryReader): BitlockerMetadata {
  const { at, size, headerSize, volumeId, method } = layout.header;
  const protectors: string[] = [];
  let description = '';
  let place = at + reader.u32(at + headerSize);
  const end = at + reader.u32(at + size);
  for (let count = 0; place + layout.entry.bytes <= end; count += 1) {
    if (count === layout.mostEntries) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected at most ${layout.mostEntries} entries of BitLocker.`,
      );
    }
    const length = reader.u16(place + layout.entry.size);
    if (length < layout.entry.bytes || place + length > end) {
      throw volumeCorrupt(`Expected an entry of BitLocker at byte ${place} of its metadata, but found none.`);
    }
    const type = reader.u16(place + layout.entry.type);
    const value = reader.u16(place + layout.entry.valueType);
    if (type === layout.masterKeyType && value === layout.masterKeyValue) {
      protectors.push(nameOf(reader.u16(place + layout.entry.data + layout.protectionAt)));
    }
    if (type === layout.descriptionType && value === layout.textValue) {
      const text = reader.bytes(place + layout.entry.data, length - layout.entry.data);
      description = Buffer.from(text).toString('utf16le').split('\0', 1)[0] as string;
    }
    place += length;
  }
  const cipher = reader.u16(at + method);
  return {
    uuid: formatGuid(reader.bytes(at + volumeId, 16)),
    description,
    cipher: layout.methods[cipher] ?? `an unknown cipher (${cipher.toString(16)})`,
    protectors,
  };
}

function nameOf(protection: number): string {
  return layout.protections[protection] ?? `an unknown protector (${protection.toString(16)})`;
}
