import { hasBytes } from '../../has-bytes.ts';
import type { ImageFormat } from '../types.ts';
import { parseSparseHeader } from './parse-header.ts';
import { readDescriptor } from './read-descriptor.ts';
import { sparseDisk } from './sparse-disk.ts';

/** VMware's format, as far as the disk is in one sparse file. */
export const vmdk: ImageFormat = {
  id: 'vmdk',
  revision: 1,
  detect: (file) => ({ answer: hasBytes(file, 0n, 'KDMV') ? 'yes' : 'no' }),
  readHeader(file) {
    const header = parseSparseHeader(file);
    const { createType, parent } = readDescriptor(file, header);
    const { virtualSize, version, grainSize, compressed } = header;
    return {
      format: 'vmdk',
      virtualSize,
      ...(parent !== undefined && { backingFile: parent }),
      properties: { createType, version, grainSize, compressed },
    };
  },
  open: (file, backing) => sparseDisk(file, backing, parseSparseHeader(file)),
};
