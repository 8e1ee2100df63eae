import { createHash } from 'node:crypto';
import type { FileStatus, Filesystem } from '../../disk/filesystems/types.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { chunkBytes, readChunks } from '../../lib/read-chunks.ts';
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
  const readFile = fileReader();
  for (const { path, old, now, isUntouched } of walkBoth(pair)) {
    if (isUntouched) continue;
    if (now === undefined) {
      yield { path, kind: 'removed' };
      continue;
    }
    const status = after.status(now);
    if (old === undefined) {
      const sha256 = status.type === 'file' ? readFile(after.openFile(now)).sha256 : undefined;
      yield { path, kind: 'added', file: describe(after, status, sha256) };
      continue;
    }
    const oldStatus = before.status(old);
    const isFile = status.type === 'file' && oldStatus.type === 'file';
    const read =
      status.type === 'file'
        ? readFile(after.openFile(now), isFile ? before.openFile(old) : undefined)
        : undefined;
    const isSame = read?.isSame ?? sameContent(before, oldStatus, after, status);
    const what = differences(before, oldStatus, after, status, isSame);
    // What was made anew has other times, and nothing is told by them.
    if (!isStateOfSame(pair) && what[0] === 'times') continue;
    yield { path, kind: 'changed', what, file: describe(after, status, read?.sha256) };
  }
}

function differences(
  before: Filesystem,
  old: FileStatus,
  after: Filesystem,
  now: FileStatus,
  isSameContent: boolean,
): NonNullable<RecordedChange['what']> {
  const what: NonNullable<RecordedChange['what']>[number][] = [];
  if (old.type !== now.type) what.push('type');
  else if (!isSameContent) what.push('content');
  if (old.mode !== now.mode) what.push('mode');
  if (old.uid !== now.uid || old.gid !== now.gid) what.push('owner');
  if (!sameAttributes(before.extendedAttributes(old.inode), after.extendedAttributes(now.inode))) {
    what.push('attributes');
  }
  return what.length > 0 ? what : ['times'];
}

/** Of what is no file. */
function sameContent(before: Filesystem, old: FileStatus, after: Filesystem, now: FileStatus): boolean {
  switch (now.type) {
    case 'symlink':
      return old.type === 'symlink' && before.readLink(old.inode) === after.readLink(now.inode);
    case 'character-device':
    case 'block-device':
      return old.device?.major === now.device?.major && old.device?.minor === now.device?.minor;
    default:
      return true;
  }
}

function describe(
  filesystem: Filesystem,
  { inode, type, mode, uid, gid, size, device }: FileStatus,
  sha256: string | undefined,
): RecordedFile {
  const attributes = [...filesystem.extendedAttributes(inode)];
  return {
    type,
    mode,
    uid,
    gid,
    size: Number(size),
    ...(sha256 !== undefined && { sha256 }),
    ...(type === 'symlink' && { target: filesystem.readLink(inode) }),
    ...(device && { device }),
    ...(attributes.length > 0 && {
      attributes: Object.fromEntries(
        attributes.map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
      ),
    }),
  };
}

interface ReadFile {
  readonly sha256: string;
  /** Whether the other one has the same bytes. */
  readonly isSame: boolean;
}

/** Digests a file and compares it with another in one reading; the other one is read no further than to the first difference. */
function fileReader(): (source: ByteSource, other?: ByteSource) => ReadFile {
  const buffers = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)] as const;
  return (source, other) => {
    const hash = createHash('sha256');
    let others = other?.size === source.size ? readChunks(other, buffers[1]) : undefined;
    for (const { bytes } of readChunks(source, buffers[0])) {
      hash.update(bytes);
      if (others && !sameBytes(bytes, others.next().value?.bytes)) others = undefined;
    }
    return { sha256: hash.digest('hex'), isSame: others !== undefined };
  };
}

function sameAttributes(a: ReadonlyMap<string, Uint8Array>, b: ReadonlyMap<string, Uint8Array>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => sameBytes(value, b.get(name)));
}

function sameBytes(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && Buffer.compare(a, b) === 0;
}
