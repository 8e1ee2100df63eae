import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';

const sectorBytes = 512;
const mostSectors = 512 * 1024;

/** A volume with newer sectors over it, in memory. */
export interface SectorOverlay {
  readonly source: ByteSource;
  /** @param position and the length of `bytes` are whole sectors. */
  write(position: number, bytes: Uint8Array): void;
}

export function sectorOverlay(volume: ByteSource): SectorOverlay {
  const sectors = new Map<number, Uint8Array>();
  return {
    source: {
      size: volume.size,
      read(offset, into) {
        volume.read(offset, into);
        const start = Number(offset);
        const end = start + into.length;
        for (let sector = Math.floor(start / sectorBytes); sector * sectorBytes < end; sector += 1) {
          const newer = sectors.get(sector);
          if (newer !== undefined) {
            const from = Math.max(start, sector * sectorBytes);
            const to = Math.min(end, (sector + 1) * sectorBytes);
            const within = newer.subarray(from - sector * sectorBytes, to - sector * sectorBytes);
            into.set(within, from - start);
          }
        }
      },
    },
    write(position, bytes) {
      // A range outside the volume has nothing to lie over.
      readBytes(volume, BigInt(position), bytes.length);
      for (let at = 0; at < bytes.length; at += sectorBytes) {
        sectors.set((position + at) / sectorBytes, Uint8Array.from(bytes.subarray(at, at + sectorBytes)));
      }
      if (sectors.size > mostSectors) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected at most ${mostSectors} changed sectors in the log, but there are more.`,
        );
      }
    },
  };
}
