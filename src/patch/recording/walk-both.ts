import type { Filesystem } from '../../disk/filesystems/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';

/** One filesystem of the guest, before and after. */
export interface FilesystemPair {
  /** Where the guest mounts it. */
  readonly path: string;
  readonly before: Filesystem;
  readonly after: Filesystem;
}

/** A path with its inode before and after; undefined where it is not there. */
export interface PathPair {
  readonly path: string;
  readonly old: number | undefined;
  readonly now: number | undefined;
  /** True when it is the same inode, and no byte of it differs (its access time aside). */
  readonly isUntouched: boolean;
}

const maximumPaths = 10_000_000;
const maximumDepth = 4096;

/**
 * Every path of two filesystems; one that both have comes once. Nothing is untouched but in two states of one filesystem,
 * which its UUID tells.
 *
 * @throws ColdpatchError `filesystem_corrupt` for a directory that lies in itself, `limit_exceeded`.
 */
export function* walkBoth(pair: FilesystemPair): Generator<PathPair, undefined> {
  const { path: top, before, after } = pair;
  const isSameFilesystem = isStateOfSame(pair);
  const sameBytes = (old: number, now: number): boolean =>
    Buffer.compare(before.fingerprint(old), after.fingerprint(now)) === 0;
  const [entriesBefore, entriesAfter] = [directoryReader(before), directoryReader(after)];
  const pending: { path: string; old: number | undefined; now: number | undefined; depth: number }[] = [
    { path: top, old: before.rootInode, now: after.rootInode, depth: 0 },
  ];
  let paths = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, old, now, depth } = next;
    paths += 1;
    if (paths > maximumPaths) {
      throw new ColdpatchError('limit_exceeded', `Expected at most ${maximumPaths} paths in a filesystem.`);
    }
    const isUntouched = isSameFilesystem && old !== undefined && old === now && sameBytes(old, now);
    yield { path, old, now, isUntouched };
    // Of an untouched directory too: who writes without the kernel need not move its times.
    const nowEntries = entriesAfter(path, now, depth);
    const oldEntries = entriesBefore(path, old, depth);
    const parent = path === '/' ? '' : path;
    for (const [name, inode] of nowEntries) {
      pending.push({ path: `${parent}/${name}`, old: oldEntries.get(name), now: inode, depth: depth + 1 });
    }
    for (const [name, inode] of oldEntries) {
      if (nowEntries.has(name)) continue;
      pending.push({ path: `${parent}/${name}`, old: inode, now: undefined, depth: depth + 1 });
    }
  }
}

/** Whether the two are one filesystem at two times. */
export function isStateOfSame({ before, after }: FilesystemPair): boolean {
  return before.id === after.id && before.uuid !== '' && before.uuid === after.uuid;
}

const none: ReadonlyMap<string, number> = new Map();

/** The entries of a directory by name; none for what is no directory, or not there. */
function directoryReader(
  filesystem: Filesystem,
): (path: string, inode: number | undefined, depth: number) => ReadonlyMap<string, number> {
  const seen = new Set<number>();
  return (path, inode, depth) => {
    if (inode === undefined || filesystem.status(inode).type !== 'directory') return none;
    if (seen.has(inode) || depth > maximumDepth) {
      throw new ColdpatchError(
        'filesystem_corrupt',
        `Expected a tree, but the directory ${path} (inode ${inode}) is inside itself.`,
      );
    }
    seen.add(inode);
    return new Map(filesystem.readDirectory(inode).map((entry) => [entry.name, entry.inode]));
  };
}
