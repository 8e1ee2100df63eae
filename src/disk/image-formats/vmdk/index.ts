import { hasBytes } from '../../has-bytes.ts';
import type { ImageFormat } from '../types.ts';
import { extentFiles, extentsDisk, sizeOfExtents } from './extents-disk.ts';
import { parseSparseHeader } from './parse-header.ts';
import { isDescriptorFile, readDescriptorFile, readEmbeddedDescriptor } from './read-descriptor.ts';
import { sparseDisk } from './sparse-disk.ts';

/** VMware's format: a disk in one sparse file, or in the files that a descriptor names. */
export const vmdk: ImageFormat = {
  id: 'vmdk',
  revision: 2,
  detect: (file) => ({ answer: hasBytes(file, 0n, 'KDMV') || isDescriptorFile(file) ? 'yes' : 'no' }),
  readHeader(file) {
    if (isDescriptorFile(file)) {
      const { createType, parent, extents } = readDescriptorFile(file);
      return {
        format: 'vmdk',
        virtualSize: sizeOfExtents(extents),
        ...(parent !== undefined && { backingFile: parent }),
        extents: extentFiles(extents),
        properties: { createType },
      };
    }
    const header = parseSparseHeader(file);
    const { createType, parent } = readEmbeddedDescriptor(file, header);
    const { virtualSize, version, grainSize, compressed } = header;
    return {
      format: 'vmdk',
      virtualSize,
      ...(parent !== undefined && { backingFile: parent }),
      properties: { createType, version, grainSize, compressed },
    };
  },
  open: (file, backing, parts) =>
    isDescriptorFile(file)
      ? extentsDisk(readDescriptorFile(file).extents, parts?.extents ?? new Map(), backing)
      : sparseDisk(file, backing, parseSparseHeader(file)),
};
