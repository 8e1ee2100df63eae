import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import * as layout from './layout.ts';

/** Sectors that take the place of those of a file. */
export interface SectorOverlay {
  /** @param bytes whole sectors, kept by reference. */
  put(offset: number, bytes: Uint8Array): void;
  /** The file with the sectors, `size` bytes long; zeros where neither has anything. */
  source(size: bigint): ByteSource;
}

const { sectorBytes } = layout.logEntry;

/** @throws `limit_exceeded` for more than 64 MiB. */
export function createSectorOverlay(file: ByteSource, where: string): SectorOverlay {
  const sectors = new Map<number, Uint8Array>();
  return {
    put(offset, bytes) {
      for (let at = 0; at < bytes.length; at += sectorBytes) {
        sectors.set((offset + at) / sectorBytes, bytes.subarray(at, at + sectorBytes));
      }
      if (sectors.size * sectorBytes > layout.mostReplayedBytes) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected the logs of ${where} to change at most ${layout.mostReplayedBytes} bytes, but they change more.`,
        );
      }
    },
    source: (size) => ({
      size,
      read(offset, into) {
        assertInside({ size }, offset, into.length);
        const inFile = file.size - offset;
        const most = inFile < 0n ? 0 : Math.min(into.length, Number(inFile));
        if (most > 0) file.read(offset, into.subarray(0, most));
        into.fill(0, most);
        const start = Number(offset);
        const last = Math.floor((start + into.length - 1) / sectorBytes);
        for (let index = Math.floor(start / sectorBytes); index <= last; index += 1) {
          const sector = sectors.get(index);
          if (sector === undefined) continue;
          const at = index * sectorBytes - start;
          into.set(
            sector.subarray(Math.max(0, -at), Math.min(sectorBytes, into.length - at)),
            Math.max(0, at),
          );
        }
      },
    }),
  };
}
