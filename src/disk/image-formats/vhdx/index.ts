import { hasBytes } from '../../has-bytes.ts';
import type { ImageFormat } from '../types.ts';
import { fileMagic } from './layout.ts';
import { parseHeaders } from './parse-headers.ts';
import { parseMetadata } from './parse-metadata.ts';
import { parseRegions } from './parse-regions.ts';
import { openVhdx } from './reader.ts';
import { replayLog } from './replay-log.ts';

/** Hyper-V's format: fixed, dynamic and differencing disks. */
export const vhdx: ImageFormat = {
  id: 'vhdx',
  revision: 1,
  detect: (file) => ({ answer: hasBytes(file, 0n, fileMagic) ? 'yes' : 'no' }),
  readHeader(file) {
    const header = parseHeaders(file);
    const replayed = replayLog(file, header);
    const metadata = parseMetadata(replayed, parseRegions(replayed).metadata);
    const { virtualSize, parent, fixed, blockSize, logicalSector, physicalSector, diskId } = metadata;
    const kind = fixed ? 'fixed' : 'dynamic';
    return {
      format: 'vhdx',
      virtualSize,
      ...(parent !== undefined && { backingFile: parent }),
      properties: {
        kind: parent === undefined ? kind : 'differencing',
        blockSize,
        logicalSector,
        physicalSector,
        diskId,
        logReplayed: header.logGuid !== undefined,
      },
    };
  },
  open: openVhdx,
};
