import { assertInside, type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { magic } from './journal-layout.ts';
import type { ReplayedBlock } from './replay-journal.ts';

/** The volume as it is after the journal was written back: its newer blocks are read from the journal. */
export function journalOverlay(
  volume: ByteSource,
  journal: ByteSource,
  blocks: ReadonlyMap<number, ReplayedBlock>,
  blockSize: number,
): ByteSource {
  const readBlock = (replayed: ReplayedBlock): Buffer => {
    const bytes = readBytes(journal, BigInt(replayed.place) * BigInt(blockSize), blockSize);
    if (replayed.isEscaped) {
      bytes.writeUInt32BE(magic, 0);
    }
    return bytes;
  };
  return {
    size: volume.size,
    read(offset, into) {
      assertInside(volume, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = Number(offset) + done;
        const first = Math.floor(position / blockSize);
        const within = position - first * blockSize;
        const replayed = blocks.get(first);
        let count = 1;
        while (replayed === undefined && count * blockSize - within < into.length - done) {
          if (blocks.has(first + count)) {
            break;
          }
          count += 1;
        }
        const part = into.subarray(done, Math.min(into.length, done + count * blockSize - within));
        if (replayed === undefined) {
          volume.read(BigInt(position), part);
        } else {
          part.set(readBlock(replayed).subarray(within, within + part.length));
        }
        done += part.length;
      }
    },
  };
}
