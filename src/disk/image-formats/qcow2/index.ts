import { hasBytes } from '../../has-bytes.ts';
import type { ImageFormat } from '../types.ts';
import { parseHeader } from './parse-header.ts';
import { openQcow2 } from './reader.ts';
import { readSnapshots } from './read-snapshots.ts';

/** QEMU's own format, versions 2 and 3. */
export const qcow2: ImageFormat = {
  id: 'qcow2',
  revision: 2,
  detect(file) {
    const found = hasBytes(file, 0n, 'QFI\xfb\0\0\0\x02') || hasBytes(file, 0n, 'QFI\xfb\0\0\0\x03');
    return { answer: found ? 'yes' : 'no' };
  },
  readHeader(file) {
    const header = parseHeader(file);
    return {
      format: 'qcow2',
      virtualSize: header.virtualSize,
      ...(header.backingFile === undefined ? {} : { backingFile: header.backingFile }),
      properties: {
        version: header.version,
        clusterSize: header.clusterSize,
        compressionType: header.compression,
        snapshots: header.snapshotCount,
        ...(header.snapshotCount > 0 && { snapshotNames: readSnapshots(file, header).join(', ') }),
        extendedL2: header.l2EntryBytes === 16,
        dirty: header.dirty,
        lazyRefcounts: header.lazyRefcounts,
        ...(header.backingFormat === undefined ? {} : { backingFormat: header.backingFormat }),
      },
    };
  },
  open: openQcow2,
};
