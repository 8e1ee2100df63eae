import { binaryReader } from '../../../lib/binary-reader.ts';
import type { Partition } from '../types.ts';
import { formatGuid } from '../../format-guid.ts';
import * as layout from './layout.ts';

const unusedType = '00000000-0000-0000-0000-000000000000';

/** Entry `index`, or undefined when it is not used; `'damaged'` when it ends before it starts. */
export function parseEntry(
  bytes: Buffer,
  index: number,
  sectorSize: number,
): Partition | 'damaged' | undefined {
  const reader = binaryReader(bytes, {
    order: 'little',
    code: 'image_corrupt',
    what: `GPT entry ${index + 1}`,
  });
  const type = formatGuid(reader.bytes(layout.entry.type, 16));
  if (type === unusedType) {
    return undefined;
  }
  const first = reader.u64(layout.entry.first);
  const last = reader.u64(layout.entry.last);
  if (first === 0n || last < first) {
    return 'damaged';
  }
  const attributes = reader.u64(layout.entry.attributes);
  return {
    number: index + 1,
    start: first * BigInt(sectorSize),
    size: (last - first + 1n) * BigInt(sectorSize),
    type,
    partitionUuid: formatGuid(reader.bytes(layout.entry.guid, 16)),
    name: nameOf(reader.bytes(layout.entry.name, layout.entry.nameBytes)),
    bootable: (attributes & layout.legacyBootable) !== 0n,
    ...(attributes !== 0n && { attributes }),
  };
}

function nameOf(field: Uint8Array): string {
  const text = Buffer.from(field).toString('utf16le');
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}
