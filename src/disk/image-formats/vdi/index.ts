import { ColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';
import { blockMappedDisk } from '../block-mapped-disk.ts';
import { tableOfNumbers } from '../read-table.ts';
import type { ImageFormat } from '../types.ts';
import { parseVdiHeader } from './parse-header.ts';

/** Entries of the block map that are no numbers of blocks. */
const neverWritten = 0xffff_ffff;
const discarded = 0xffff_fffe;

/** VirtualBox's format, dynamic and static. */
export const vdi: ImageFormat = {
  id: 'vdi',
  revision: 1,
  detect: (file) => ({ answer: hasBytes(file, 0x40n, '\x7f\x10\xda\xbe') ? 'yes' : 'no' }),
  readHeader(file) {
    const { virtualSize, kind, blockSize } = parseVdiHeader(file);
    return { format: 'vdi', virtualSize, properties: { kind, blockSize } };
  },
  open(file, backing) {
    const { virtualSize, blockSize, blockExtra, blocks, mapOffset, dataOffset } = parseVdiHeader(file);
    const entryOf = tableOfNumbers(file, mapOffset, blocks, 'little');
    return blockMappedDisk(file, backing, {
      size: virtualSize,
      blockSize,
      place(index) {
        const entry = entryOf(index);
        if (entry === neverWritten || entry === discarded) return 'zeros';
        if (entry < blocks)
          return dataOffset + BigInt(entry) * BigInt(blockSize + blockExtra) + BigInt(blockExtra);
        throw new ColdpatchError(
          'image_corrupt',
          `Expected block ${index} of the VDI disk in one of ${blocks} places, but found place ${entry}.`,
        );
      },
    });
  },
};
