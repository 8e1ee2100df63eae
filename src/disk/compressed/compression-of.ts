import type { ByteSource } from '../../lib/byte-source.ts';
import { hasBytes } from '../has-bytes.ts';

export type Compression = 'gzip' | 'xz' | 'zstd' | 'bzip2';

/** First bytes, as latin1. */
const marks: Readonly<Record<Compression, string>> = {
  gzip: '\x1f\x8b\x08',
  xz: '\xfd7zXZ\0',
  zstd: '\x28\xb5\x2f\xfd',
  bzip2: 'BZh',
};

/** How a whole file is compressed, by its first bytes; undefined when it is not. */
export function compressionOf(file: ByteSource): Compression | undefined {
  return (Object.keys(marks) as Compression[]).find((name) => hasBytes(file, 0n, marks[name]));
}
