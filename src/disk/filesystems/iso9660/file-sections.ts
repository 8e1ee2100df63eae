import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';

/** A part of a file's content. */
export interface Section {
  /** Byte offset in the volume. */
  readonly start: number;
  /** Bytes. */
  readonly size: number;
}

/** The sections one after another. */
export function joinSections(volume: ByteSource, sections: readonly Section[]): ByteSource {
  const size = sections.reduce((sum, section) => sum + BigInt(section.size), 0n);
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      let skip = Number(offset);
      let done = 0;
      for (const section of sections) {
        const length = Math.min(section.size - skip, into.length - done);
        if (length > 0) {
          volume.read(BigInt(section.start + skip), into.subarray(done, done + length));
          done += length;
        }
        skip = Math.max(0, skip - section.size);
      }
    },
  };
}
