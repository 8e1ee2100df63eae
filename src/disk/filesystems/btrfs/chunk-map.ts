import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { otherProfiles, profile, profileMask } from './layout.ts';
import type { Chunk } from './parse-chunk.ts';

/** From logical addresses to bytes of the volume. */
export interface ChunkMap {
  readonly chunks: readonly Chunk[];
  /** How many copies there are of the byte at a logical address. */
  copies(address: bigint): number;
  /** Fills `into` from copy number `copy` of a logical address; a range may go over several chunks. */
  read(address: bigint, into: Uint8Array, copy: number): void;
}

/** @param chunks those of the first device only are read. */
export function createChunkMap(volume: ByteSource, deviceId: bigint, chunks: readonly Chunk[]): ChunkMap {
  const sorted = chunks.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  sorted.forEach((chunk, index) => {
    const next = sorted[index + 1];
    if (next !== undefined && chunk.start + chunk.length > next.start) {
      throw filesystemCorrupt(
        `Expected chunks that do not overlap, but those at ${chunk.start} and ${next.start} do.`,
      );
    }
  });
  function chunkAt(address: bigint): Chunk {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as Chunk).start <= address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const chunk = sorted[low - 1];
    if (chunk === undefined || address >= chunk.start + chunk.length) {
      throw filesystemCorrupt(`Expected a chunk for the logical address ${address}, but there is none.`);
    }
    const unread = unreadProfile(chunk);
    if (unread !== undefined) {
      throw new ColdpatchError(
        'filesystem_unsupported',
        `Expected the profile single or dup for the logical address ${address}, but it is ${unread}.`,
      );
    }
    return chunk;
  }
  return {
    chunks: sorted,
    copies: (address) => chunkAt(address).stripes.length,
    read(address, into, copy) {
      for (let done = 0; done < into.length; ) {
        const here = address + BigInt(done);
        const chunk = chunkAt(here);
        const stripe = chunk.stripes[Math.min(copy, chunk.stripes.length - 1)];
        if (stripe === undefined || stripe.deviceId !== deviceId) {
          throw filesystemCorrupt(`Expected the chunk at ${chunk.start} to lie on device ${deviceId}.`);
        }
        const within = here - chunk.start;
        const rest = chunk.length - within;
        const left = into.length - done;
        const length = rest < BigInt(left) ? Number(rest) : left;
        assertInside(volume, stripe.offset + within, length);
        volume.read(stripe.offset + within, into.subarray(done, done + length));
        done += length;
      }
    },
  };
}

/** The name of a chunk's profile when it is not read. */
export function unreadProfile({ type, stripes }: Chunk): string | undefined {
  const bits = type & profileMask;
  const expected = bits === profile.duplicate ? 2 : 1;
  if (bits === 0n || bits === profile.duplicate) {
    return stripes.length === expected ? undefined : `one of ${stripes.length} stripes`;
  }
  return otherProfiles.find(({ bit }) => (bits & bit) !== 0n)?.name ?? `unknown (0x${bits.toString(16)})`;
}
