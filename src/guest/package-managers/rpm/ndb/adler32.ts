const modulus = 65_521;
/** So many bytes can be added before a sum leaves 32 bits. */
const block = 5552;

/** Adler-32 (RFC 1950, section 9). */
export function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let start = 0; start < bytes.length; start += block) {
    const end = Math.min(start + block, bytes.length);
    for (let i = start; i < end; i += 1) {
      low += bytes[i] ?? 0;
      high += low;
    }
    low %= modulus;
    high %= modulus;
  }
  return high * 65_536 + low;
}
