import { binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { formatUuid } from '../../format-uuid.ts';
import { hasBytes } from '../../has-bytes.ts';
import type { FilesystemFormat } from '../types.ts';
import { header, hibernationMagics, magicBytes, magics, pageSizes } from './layout.ts';

/** Linux's swap area. It holds no files, but a hibernated machine may sleep in it. */
export const swap: FilesystemFormat = {
  id: 'swap',
  revision: 1,
  detect(volume) {
    return { answer: find(volume) === undefined ? 'no' : 'yes' };
  },
  describe(volume) {
    const found = find(volume);
    if (found === undefined) {
      throw new ColdpatchError('filesystem_corrupt', 'Expected a swap area, but its magic is missing.');
    }
    const reader = binaryReader(readBytes(volume, 0n, found.pageSize), {
      order: 'little',
      code: 'filesystem_corrupt',
      what: 'the swap header',
    });
    return {
      uuid: formatUuid(reader.bytes(header.uuid, header.uuidBytes)),
      label: reader.text(header.label, header.labelBytes),
      properties: { pageSize: found.pageSize, hibernated: found.hibernated },
    };
  },
};

function find(volume: ByteSource): { readonly pageSize: number; readonly hibernated: boolean } | undefined {
  for (const pageSize of pageSizes) {
    const place = BigInt(pageSize - magicBytes);
    if (magics.some((magic) => hasBytes(volume, place, magic))) {
      return { pageSize, hibernated: false };
    }
    if (hibernationMagics.some((magic) => hasBytes(volume, place, magic))) {
      return { pageSize, hibernated: true };
    }
  }
  return undefined;
}
