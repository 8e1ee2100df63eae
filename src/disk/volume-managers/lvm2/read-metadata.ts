import { binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { peek } from '../../peek.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { lvmChecksum } from './checksum.ts';
import * as layout from './layout.ts';
import type { MetadataArea } from './parse-label.ts';

/**
 * The committed text of one metadata area, or undefined when it has none: the volume is in no group.
 * @throws ColdpatchError `volume_corrupt`, `limit_exceeded`.
 */
export function readMetadata(device: ByteSource, area: MetadataArea): string | undefined {
  const header = peek(device, area.offset, layout.metadataHeaderBytes);
  if (header === undefined) {
    throw volumeCorrupt(`Expected LVM's metadata at byte ${area.offset}, but the device ends before it.`);
  }
  const reader = binaryReader(header, {
    order: 'little',
    code: 'volume_corrupt',
    what: "the header of LVM's metadata",
  });
  const fields = layout.metadataHeader;
  const magic = Buffer.from(reader.bytes(fields.magic, layout.metadataMagic.length)).toString('latin1');
  const isSound =
    magic === layout.metadataMagic &&
    reader.u32(fields.checksum) === lvmChecksum(header.subarray(fields.checksumFrom)) &&
    reader.u32(fields.version) === layout.metadataVersion &&
    reader.u64(fields.start) === area.offset;
  if (!isSound) {
    throw volumeCorrupt(`Expected a sound header of LVM's metadata at byte ${area.offset}, but found none.`);
  }
  const offset = reader.u64(fields.text.offset);
  const isIgnored = (reader.u32(fields.text.flags) & layout.ignoredFlag) !== 0;
  if (offset === 0n || isIgnored) return undefined;
  const text = readRing(device, area.offset, reader.u64(fields.size), offset, reader.u64(fields.text.size));
  if (lvmChecksum(text) !== reader.u32(fields.text.checksum)) {
    throw volumeCorrupt(
      `Expected LVM's metadata at byte ${area.offset} to match its checksum, but it does not.`,
    );
  }
  return text.toString('utf8').replace(/\0+$/, '');
}

/** The area is a ring behind its header: a text that reaches the end goes on at its start. */
function readRing(device: ByteSource, start: bigint, areaSize: bigint, offset: bigint, size: bigint): Buffer {
  if (size > BigInt(layout.mostTextBytes)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${layout.mostTextBytes} bytes of LVM's metadata, found ${size}.`,
    );
  }
  const first = BigInt(layout.metadataHeaderBytes);
  if (offset < first || offset >= areaSize || size === 0n || size > areaSize - first) {
    throw volumeCorrupt(`Expected LVM's metadata inside its area, but found ${size} bytes at ${offset}.`);
  }
  const rest = areaSize - offset;
  const head = size < rest ? size : rest;
  const pieces = [
    peek(device, start + offset, Number(head)),
    peek(device, start + first, Number(size - head)),
  ];
  if (pieces.some((piece) => piece === undefined)) {
    throw volumeCorrupt("Expected all of LVM's metadata, but the device ends before.");
  }
  return Buffer.concat(pieces as Buffer[]);
}
