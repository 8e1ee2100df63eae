import type { FileType } from '../types.ts';
import { reparseTag } from './layout.ts';
import type { ReparsePoint } from './parse-reparse-point.ts';

const types: ReadonlyMap<number, FileType> = new Map([
  [reparseTag.junction, 'symlink'],
  [reparseTag.symbolicLink, 'symlink'],
  [reparseTag.linuxLink, 'symlink'],
  [reparseTag.linuxSocket, 'socket'],
  [reparseTag.linuxFifo, 'fifo'],
  [reparseTag.linuxCharacterDevice, 'character-device'],
  [reparseTag.linuxBlockDevice, 'block-device'],
]);

/** What a file is; a reparse point of another kind leaves it the file or directory that it also is. */
export function typeOf(isDirectory: boolean, point: ReparsePoint | undefined): FileType {
  const special = point === undefined ? undefined : types.get(point.tag);
  return special ?? (isDirectory ? 'directory' : 'file');
}
