import { peek } from '../../peek.ts';
import type { FilesystemFormat } from '../types.ts';
import { decompressorOf } from './decompressor.ts';
import { compressions, magic, magicBigEndian, superblock as place, superblockBytes } from './layout.ts';
import { parseSuperblock } from './parse-superblock.ts';
import { openSquashfs } from './reader.ts';

/** Squashfs 4.0: live media, snaps, appliances. */
export const squashfs: FilesystemFormat = {
  id: 'squashfs',
  revision: 1,
  detect(volume) {
    const bytes = peek(volume, 0n, superblockBytes);
    const found = bytes?.toString('latin1', 0, 4);
    if (bytes === undefined || (found !== magic && found !== magicBigEndian)) {
      return { answer: 'no' };
    }
    const version = `${bytes.readUInt16LE(place.major)}.${bytes.readUInt16LE(place.minor)}`;
    if (found === magicBigEndian || version !== '4.0') {
      return { answer: 'unreadable', detail: 'holds a squashfs filesystem of a version before or after 4.0' };
    }
    const number = bytes.readUInt16LE(place.compression);
    const compression = compressions[number] ?? `method ${number}`;
    return decompressorOf(compression) === undefined
      ? { answer: 'unreadable', detail: `holds a squashfs filesystem compressed with ${compression}` }
      : { answer: 'yes' };
  },
  describe(volume) {
    const superblock = parseSuperblock(volume);
    return {
      uuid: '',
      label: '',
      properties: {
        compression: superblock.compression,
        blockSize: superblock.blockSize,
        inodes: superblock.inodes,
        madeAt: superblock.madeAt,
        bytesUsed: superblock.bytesUsed,
        exportable: superblock.hasExportTable,
      },
    };
  },
  open: openSquashfs,
};
