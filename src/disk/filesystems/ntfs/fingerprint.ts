import { createHash } from 'node:crypto';
import type { FileTable, NtfsFile } from './file-table.ts';
import { attributeType, fileName, protectedHeader, standardInformation } from './layout.ts';
import type { FileRecord } from './parse-record.ts';

/** A SHA-256 of all records of the file, less what an access alone changes: access times, log and update numbers. */
export function fingerprintOf(table: FileTable, file: NtfsFile): Uint8Array {
  const digest = createHash('sha256');
  const numbers = new Set([file.record.number, ...file.attributes.map(({ record }) => record)]);
  for (const number of numbers) {
    digest.update(withoutAccess(table.record(number)));
  }
  return digest.digest();
}

function withoutAccess(record: FileRecord): Uint8Array {
  const bytes = Buffer.from(record.bytes);
  const updateOffset = bytes.readUInt16LE(protectedHeader.updateOffset);
  const updateBytes = bytes.readUInt16LE(protectedHeader.updateCount) * 2;
  bytes.fill(0, updateOffset, updateOffset + updateBytes);
  bytes.fill(0, protectedHeader.logSequence, protectedHeader.logSequence + 8);
  for (const attribute of record.attributes) {
    if (attribute.kind === 'resident') {
      const start = attribute.value.byteOffset - record.bytes.byteOffset;
      const end = start + attribute.value.length;
      const place = start + accessTimePlace(attribute.type);
      bytes.fill(0, Math.min(place, end), Math.min(place + 8, end));
    }
  }
  return bytes;
}

function accessTimePlace(type: number): number {
  if (type === attributeType.standardInformation) {
    return standardInformation.accessedAt;
  }
  return type === attributeType.fileName ? fileName.accessedAt : Number.POSITIVE_INFINITY;
}
