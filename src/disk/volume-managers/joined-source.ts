import { assertInside, type ByteSource } from '../../lib/byte-source.ts';

/** The parts one behind the other, as one source. */
export function joinedSource(parts: readonly ByteSource[]): ByteSource {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const starts: bigint[] = [];
  let size = 0n;
  for (const part of parts) {
    starts.push(size);
    size += part.size;
  }
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      let index = partAt(starts, offset);
      for (let done = 0; done < into.length; index += 1) {
        const part = parts[index] as ByteSource;
        const within = offset + BigInt(done) - (starts[index] as bigint);
        const rest = part.size - within;
        const wanted = into.length - done;
        const length = rest < BigInt(wanted) ? Number(rest) : wanted;
        part.read(within, into.subarray(done, done + length));
        done += length;
      }
    },
  };
}

/** The last part that starts at or before `offset`. */
function partAt(starts: readonly bigint[], offset: bigint): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as bigint) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
