import type { ByteSource } from '../../lib/byte-source.ts';
import { hasBytes } from '../has-bytes.ts';

export type Compression = 'gzip' | 'xz' | 'zstd' | 'bzip2';

/** First bytes, as latin1. */
const marks: Readonly<Record<Exclude<Compression, 'bzip2'>, string>> = {
  gzip: '\x1f\x8b\x08',
  xz: '\xfd7zXZ\0',
  zstd: '\x28\xb5\x2f\xfd',
};

/** How a whole file is compressed, by its first bytes; undefined when it is not. */
export function compressionOf(file: ByteSource): Compression | undefined {
  const marked = (Object.keys(marks) as (keyof typeof marks)[]).find((name) =>
    hasBytes(file, 0n, marks[name]),
  );
  return marked ?? (isBzip2(file) ? 'bzip2' : undefined);
}

/** Three letters are little; behind them and the level stands the magic number of a block, or that of the end. */
function isBzip2(file: ByteSource): boolean {
  return (
    hasBytes(file, 0n, 'BZh') &&
    (hasBytes(file, 4n, '1AY&SY') || hasBytes(file, 4n, '\x17\x72\x45\x38\x50\x90'))
  );
}
