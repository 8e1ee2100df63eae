import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { blockMappedDisk } from '../block-mapped-disk.ts';
import { tableOfNumbers } from '../read-table.ts';
import type { ImageFormat } from '../types.ts';
import { differencingDisk } from './differencing-disk.ts';
import {
  footerBytes,
  parseVhdBlocks,
  parseVhdFooter,
  type VhdBlocks,
  type VhdFooter,
} from './parse-footer.ts';

const unallocated = 0xffff_ffff;

/** Virtual PC's and Hyper-V's older format: fixed, dynamic and differencing disks. */
export const vhd: ImageFormat = {
  id: 'vhd',
  revision: 1,
  detect(file) {
    const found =
      hasBytes(file, 0n, 'conectix') || hasBytes(file, file.size - BigInt(footerBytes), 'conectix');
    return { answer: found ? 'yes' : 'no' };
  },
  readHeader(file) {
    const footer = parseVhdFooter(file);
    const { kind, virtualSize, fromCopy } = footer;
    const parent = kind === 'differencing' ? parseVhdBlocks(file, footer).parentName : '';
    return {
      format: 'vhd',
      virtualSize,
      ...(kind === 'differencing' && { backingFile: parent.replaceAll('\\', '/') }),
      properties: { kind, footerFromCopy: fromCopy },
    };
  },
  open(file, backing) {
    const footer = parseVhdFooter(file);
    if (footer.kind === 'fixed') return sliceOf(file, 0n, footer.virtualSize);
    const blocks = parseVhdBlocks(file, footer);
    return footer.kind === 'dynamic'
      ? dynamicDisk(file, footer, blocks)
      : differencingDisk(file, backing, footer.virtualSize, blocks);
  },
};

function dynamicDisk(
  file: ByteSource,
  { virtualSize }: VhdFooter,
  { tableOffset, entries, blockSize }: VhdBlocks,
): ByteSource {
  const sectorOf = tableOfNumbers(file, tableOffset, entries, 'big');
  const bitmapBytes = BigInt(Math.ceil(blockSize / 512 / 8 / 512) * 512);
  return blockMappedDisk(file, undefined, {
    size: virtualSize,
    blockSize,
    place(index) {
      const sector = sectorOf(index);
      return sector === unallocated ? 'zeros' : BigInt(sector) * 512n + bitmapBytes;
    },
  });
}
