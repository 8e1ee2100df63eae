import { assertInside, type ByteSource } from '../../../lib/byte-source.ts';

/** The bytes of a file that were written; those after byte `validLength`, which never were, are zeros. */
export function validContent(content: ByteSource, validLength: bigint): ByteSource {
  const { size } = content;
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      const left = validLength - offset;
      const valid = left <= 0n ? 0 : left < BigInt(into.length) ? Number(left) : into.length;
      content.read(offset, into.subarray(0, valid));
      into.fill(0, valid);
    },
  };
}
