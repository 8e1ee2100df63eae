import { assertInside, type ByteSource } from '../../lib/byte-source.ts';

/**
 * Stripes that go round the parts: the first stripe of each, then the second of each.
 * @param stripeBytes above 0; a divisor of every part's size.
 */
export function stripedSource(parts: readonly ByteSource[], stripeBytes: number): ByteSource {
  const count = BigInt(parts.length);
  const stripe = BigInt(stripeBytes);
  const smallest = parts.reduce((size, part) => (part.size < size ? part.size : size), parts[0]?.size ?? 0n);
  const size = smallest * count;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const at = offset + BigInt(done);
        const number = at / stripe;
        const within = at % stripe;
        const length = Math.min(stripeBytes - Number(within), into.length - done);
        const part = parts[Number(number % count)] as ByteSource;
        part.read((number / count) * stripe + within, into.subarray(done, done + length));
        done += length;
      }
    },
  };
}
