import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { blockMapper } from './block-mapper.ts';
import { fileContent } from './file-content.ts';
import type { Inode } from './parse-inode.ts';
import type { Superblock } from './parse-superblock.ts';

export interface Volumes {
  /** For file content: passes large reads through. */
  readonly data: ByteSource;
  /** The same bytes behind a cache. */
  readonly metadata: ByteSource;
}

const mostBytes = 1n << 62n;

/** The content of a regular file. */
export function openFile(volumes: Volumes, superblock: Superblock, file: Inode): ByteSource {
  if (file.isRealtime) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected the content of inode ${file.inode} on this volume, but it lies on a realtime device.`,
    );
  }
  if (file.size > mostBytes) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected inode ${file.inode} to have at most ${mostBytes} bytes, but it has ${file.size}.`,
    );
  }
  const mapper = blockMapper(volumes.metadata, superblock, file.data, file.inode);
  return fileContent(volumes.data, superblock.blockSize, file.size, mapper);
}
