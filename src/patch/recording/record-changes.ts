import { createHash } from 'node:crypto';
import type { FileStatus, Filesystem } from '../../disk/filesystems/types.ts';
import type { ByteSource } from '../../lib/byte-source.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { chunkBytes, readChunks } from '../../lib/read-chunks.ts';
import type { RecordedChange, RecordedFile, Recording } from './types.ts';
import { type FilesystemPair, isStateOfSame, walkBoth } from './walk-both.ts';

/** What a recording may cost at most; a guest decides what it leaves behind. */
export interface RecordingLimits {
  /** Bytes of files that are read, beside twice those of their filesystem: for sparse and compressed files. */
  readonly sparseBytes: bigint;
  /** Characters of the recording as JSON; Node holds no string over 512 Mi. */
  readonly characters: number;
}

const recordingLimits: RecordingLimits = { sparseBytes: 16n * 1024n ** 3n, characters: 256 * 1024 ** 2 };

/**
 * Compares the original with its upgraded copy from outside, inode by inode.
 * An inode of which no byte differs (its access time aside) was not changed, and its content is not read. That holds for
 * two states of one filesystem, which its UUID tells; of others, everything is compared.
 * Paths that are links to one file are read once.
 *
 * @throws ColdpatchError `filesystem_corrupt`, `limit_exceeded`.
 */
export function recordChanges(
  pairs: readonly FilesystemPair[],
  limits: RecordingLimits = recordingLimits,
): Recording {
  const changes: RecordedChange[] = [];
  let characters = 0;
  for (const pair of pairs) {
    for (const change of compare(pair, limits.sparseBytes)) {
      characters += JSON.stringify(change).length;
      if (characters > limits.characters) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected a recording of at most ${limits.characters} characters, but there are more changes below ${pair.path}. ` +
            'See what is left there in such number, or with such names and attributes.',
        );
      }
      changes.push(change);
    }
  }
  return { changes: changes.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)) };
}

function* compare(pair: FilesystemPair, sparseBytes: bigint): Generator<RecordedChange> {
  const compareInodes = inodeComparer(pair, sparseBytes);
  for (const { path, old, now, isUntouched } of walkBoth(pair)) {
    if (isUntouched) continue;
    if (now === undefined) {
      yield { path, kind: 'removed' };
      continue;
    }
    const { what, file } = compareInodes(path, old, now);
    if (what === undefined) yield { path, kind: 'added', file };
    // What was made anew has other times, and nothing is told by them.
    else if (what[0] !== 'times' || isStateOfSame(pair)) yield { path, kind: 'changed', what, file };
  }
}

type ComparedInode = Required<Pick<RecordedChange, 'file'>> & Pick<RecordedChange, 'what'>;

/** Compares two inodes, once for all paths that lead to both; `what` is undefined where there was none before. */
function inodeComparer(
  { path: top, before, after }: FilesystemPair,
  sparseBytes: bigint,
): (path: string, old: number | undefined, now: number) => ComparedInode {
  const readFile = fileReader();
  const limit = 2n * after.totalBytes + sparseBytes;
  let read = 0n;
  function openFile(path: string, inode: number): ByteSource {
    const source = after.openFile(inode);
    read += source.size;
    if (read <= limit) return source;
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected the changed files below ${top} to have at most ${limit} bytes, but with ${path} (${source.size}) they have more. ` +
        'Remove sparse files that claim more than the disk holds.',
    );
  }
  function compareFresh(path: string, old: number | undefined, status: FileStatus): ComparedInode {
    const source = status.type === 'file' ? openFile(path, status.inode) : undefined;
    if (old === undefined) return { file: describe(after, status, source && readFile(source).sha256) };
    const oldStatus = before.status(old);
    const content = source && readFile(source, oldStatus.type === 'file' ? before.openFile(old) : undefined);
    const isSame = content?.isSame ?? sameContent(before, oldStatus, after, status);
    const what = differences(before, oldStatus, after, status, isSame);
    return { what, file: describe(after, status, content?.sha256) };
  }
  const linked = new Map<string, ComparedInode>();
  return (path, old, now) => {
    const status = after.status(now);
    if (status.linkCount < 2) return compareFresh(path, old, status);
    const pair = `${old} ${now}`;
    const compared = linked.get(pair) ?? compareFresh(path, old, status);
    linked.set(pair, compared);
    return compared;
  };
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
