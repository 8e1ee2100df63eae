/**
 * The hash Marvin32 with 64 bits of seed and of result, as the logs of a hive use it.
 * Published with Microsoft's open sources of .NET and SymCrypt.
 */
export function marvin32(bytes: Uint8Array, seed: bigint): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let low = Number(seed & 0xffffffffn) | 0;
  let high = Number(seed >> 32n) | 0;
  const mix = (word: number): void => {
    low = (low + word) | 0;
    high ^= low;
    low = (rotate(low, 20) + high) | 0;
    high = rotate(high, 9) ^ low;
    low = (rotate(low, 27) + high) | 0;
    high = rotate(high, 19);
  };
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) mix(view.getInt32(at, true));
  let last = 0x80;
  for (let at = bytes.length - 1; at >= whole; at -= 1) last = (last << 8) | view.getUint8(at);
  mix(last);
  mix(0);
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
