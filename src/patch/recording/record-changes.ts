import { createHash } from 'node:crypto';
import type { FileStatus, Filesystem } from '../../disk/filesystems/types.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { readChunks } from '../../lib/read-chunks.ts';
import type { RecordedChange, RecordedFile, Recording } from './types.ts';
import { type FilesystemPair, isStateOfSame, walkBoth } from './walk-both.ts';

/**
 * Compares the original with its upgraded copy from outside, inode by inode.
 * An inode of which no byte differs (its access time aside) was not changed, and its content is not read. That holds for
 * two states of one filesystem, which its UUID tells; of others, everything is compared.
 *
 * @throws ColdpatchError `filesystem_corrupt`, `limit_exceeded`.
 */
export function recordChanges(pairs: readonly FilesystemPair[]): Recording {
  const changes = pairs.flatMap((pair) => [...compare(pair)]);
  return { changes: changes.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

function* compare(pair: FilesystemPair): Generator<RecordedChange> {
  const { before, after } = pair;
  for (const { path, old, now, isUntouched } of walkBoth(pair)) {
    if (isUntouched) continue;
    if (now === undefined) {
      yield { path, kind: 'removed' };
    } else if (old === undefined) {
      yield { path, kind: 'added', file: describe(after, now) };
    } else {
      const what = differences(before, old, after, now);
      // What was made anew has other times, and nothing is told by them.
      if (!isStateOfSame(pair) && what[0] === 'times') continue;
      yield { path, kind: 'changed', what, file: describe(after, now) };
    }
  }
}

function differences(
  before: Filesystem,
  oldInode: number,
  after: Filesystem,
  inode: number,
): NonNullable<RecordedChange['what']> {
  const old = before.status(oldInode);
  const now = after.status(inode);
  const what: NonNullable<RecordedChange['what']>[number][] = [];
  if (old.type !== now.type) what.push('type');
  else if (!sameContent(before, old, after, now)) what.push('content');
  if (old.mode !== now.mode) what.push('mode');
  if (old.uid !== now.uid || old.gid !== now.gid) what.push('owner');
  if (!sameAttributes(before.extendedAttributes(oldInode), after.extendedAttributes(inode))) {
    what.push('attributes');
  }
  return what.length > 0 ? what : ['times'];
}

function sameContent(before: Filesystem, old: FileStatus, after: Filesystem, now: FileStatus): boolean {
  switch (now.type) {
    case 'file':
      return old.size === now.size && sameFiles(before.openFile(old.inode), after.openFile(now.inode));
    case 'symlink':
      return before.readLink(old.inode) === after.readLink(now.inode);
    case 'character-device':
    case 'block-device':
      return old.device?.major === now.device?.major && old.device?.minor === now.device?.minor;
    default:
      return true;
  }
}

function describe(filesystem: Filesystem, inode: number): RecordedFile {
  const { type, mode, uid, gid, size, device } = filesystem.status(inode);
  const attributes = [...filesystem.extendedAttributes(inode)];
  return {
    type,
    mode,
    uid,
    gid,
    size: Number(size),
    ...(type === 'file' && { sha256: digest(filesystem.openFile(inode)) }),
    ...(type === 'symlink' && { target: filesystem.readLink(inode) }),
    ...(device && { device }),
    ...(attributes.length > 0 && {
      attributes: Object.fromEntries(
        attributes.map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
      ),
    }),
  };
}

function digest(source: ByteSource): string {
  const hash = createHash('sha256');
  for (const { bytes } of readChunks(source)) hash.update(bytes);
  return hash.digest('hex');
}

/** Compares two sources of one size, no further than to their first difference. */
function sameFiles(a: ByteSource, b: ByteSource): boolean {
  const others = readChunks(b);
  for (const { bytes } of readChunks(a)) {
    if (!sameBytes(bytes, others.next().value?.bytes)) return false;
  }
  return true;
}

function sameAttributes(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => sameBytes(value, b.get(name)));
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
