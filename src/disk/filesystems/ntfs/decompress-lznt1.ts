import { filesystemCorrupt } from './filesystem-corrupt.ts';

const chunkBytes = 4096;

/**
 * Decompresses LZNT1, [MS-XCA] 2.5: chunks of 4 KiB, each with a header of two bytes.
 *
 * @param into the whole of it is filled, with zeros where the data ends.
 * @param what the file, for messages.
 */
export function decompressLznt1(data: Uint8Array, into: Uint8Array, what: string): void {
  into.fill(0);
  let at = 0;
  for (let start = 0; start < into.length && at + 2 <= data.length; start += chunkBytes) {
    const header = (data[at] as number) | ((data[at + 1] as number) << 8);
    if (header === 0) {
      return;
    }
    const end = at + 3 + (header & 0xfff);
    if (end > data.length) {
      throw corrupt(what);
    }
    const chunk = data.subarray(at + 2, end);
    const place = into.subarray(start, start + chunkBytes);
    if ((header & 0x8000) !== 0) {
      decompressChunk(chunk, place, what);
    } else if (chunk.length <= place.length) {
      place.set(chunk);
    } else {
      throw corrupt(what);
    }
    at = end;
  }
}

function decompressChunk(chunk: Uint8Array, into: Uint8Array, what: string): void {
  let out = 0;
  // Each time the output passes a power of two, a reference gives one bit of its length to its distance.
  let lengthBits = 12;
  for (let at = 0; at < chunk.length; ) {
    let kinds = chunk[at] as number;
    at += 1;
    for (let item = 0; item < 8 && at < chunk.length; item += 1, kinds >>= 1) {
      if (out >= into.length) {
        throw corrupt(what);
      }
      if ((kinds & 1) === 0) {
        into[out] = chunk[at] as number;
        out += 1;
        at += 1;
        continue;
      }
      if (at + 2 > chunk.length) {
        throw corrupt(what);
      }
      const reference = (chunk[at] as number) | ((chunk[at + 1] as number) << 8);
      at += 2;
      while (out > 1 << (16 - lengthBits)) {
        lengthBits -= 1;
      }
      const distance = (reference >> lengthBits) + 1;
      const length = (reference & ((1 << lengthBits) - 1)) + 3;
      if (distance > out || out + length > into.length) {
        throw corrupt(what);
      }
      for (const stop = out + length; out < stop; out += 1) {
        into[out] = into[out - distance] as number;
      }
    }
  }
}

function corrupt(what: string): Error {
  return filesystemCorrupt(`Expected ${what} to be compressed by LZNT1, but its data is not.`);
}
