import { bitReader } from './bit-reader.ts';
import { corrupt } from './corrupt.ts';
import { expandBlock } from './expand-block.ts';
import { readBlock } from './read-block.ts';

const blockMagic = [0x314159, 0x265359] as const;
const endMagic = [0x177245, 0x385090] as const;
const signature = 0x425a68;

/**
 * Decompresses bzip2, also several streams one behind another. Checksums are checked.
 * Holds one block: 900,000 bytes compressed, ten times that while it is worked on; the text comes in pieces of 64 KiB at most.
 *
 * @throws ColdpatchError `image_corrupt`.
 */
export function* bunzip2(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const reader = bitReader(chunks);
  do {
    if (reader.bits(24) !== signature) throw corrupt('its signature is not there');
    const level = reader.bits(8) - 0x30;
    if (level < 1 || level > 9) throw corrupt('its block size is not one of 1 to 9');
    let combined = 0;
    for (;;) {
      const high = reader.bits(24);
      const low = reader.bits(24);
      if (high === endMagic[0] && low === endMagic[1]) break;
      if (high !== blockMagic[0] || low !== blockMagic[1])
        throw corrupt('a block does not begin where it should');
      const block = readBlock(reader, level * 100_000);
      combined = (((combined << 1) | (combined >>> 31)) ^ block.checksum) >>> 0;
      yield* expandBlock(block);
    }
    const stored = ((reader.bits(16) << 16) | reader.bits(16)) >>> 0;
    if (stored !== combined) throw corrupt('its checksum is wrong');
    reader.toNextByte();
  } while (!reader.atEnd());
}
