import type { Filesystem } from '../disk/filesystems/types.ts';
import { ColdpatchError } from '../lib/errors.ts';

/** One place in a tree of mounted filesystems. */
export interface TreeNode {
  readonly filesystem: Filesystem;
  readonly inode: number;
  /** Absolute, without symbolic links, `.` and `..`. */
  readonly path: string;
}

/** What a walk needs to know of the tree. */
export interface Walkable {
  readonly root: TreeNode;
  /** The inode of `name` in the directory `node`, with the filesystem that is mounted there, if any. */
  child(node: TreeNode, name: string): TreeNode | undefined;
}

/** As in Linux, path_resolution(7). */
const maximumLinks = 40;
const maximumPathBytes = 4096;
const maximumNameBytes = 255;

/**
 * Follows `path` from the root of the tree, and never out of it: an absolute link restarts at the tree's root,
 * and `..` above the root stays there. Answers undefined when something on the way does not exist.
 *
 * @throws `path_not_found` after 40 symbolic links, and for paths and names that Linux would not accept.
 */
export function walkPath(tree: Walkable, path: string, followLast: boolean): TreeNode | undefined {
  const follow = followLast || path.endsWith('/');
  const visited: TreeNode[] = [tree.root];
  const pending = componentsOf(path).toReversed();
  let links = 0;
  while (pending.length > 0) {
    const name = pending.pop() ?? '';
    const here = visited.at(-1) ?? tree.root;
    if (here.filesystem.status(here.inode).type !== 'directory') return undefined;
    if (name === '..') {
      if (visited.length > 1) visited.pop();
      continue;
    }
    const next = name === '.' ? here : tree.child(here, name);
    if (next === undefined) return undefined;
    if (next === here) continue;
    const isLink = next.filesystem.status(next.inode).type === 'symlink';
    if (!isLink || (pending.length === 0 && !follow)) {
      visited.push(next);
      continue;
    }
    links += 1;
    if (links > maximumLinks) {
      throw notFound(path, `more than ${maximumLinks} symbolic links were met; they may point at each other`);
    }
    const target = next.filesystem.readLink(next.inode);
    if (target === '') return undefined;
    if (target.startsWith('/')) visited.length = 1;
    pending.push(...componentsOf(target).toReversed());
  }
  return visited.at(-1);
}

/** The error for a path that the tree does not have. */
export function notFound(path: string, found: string): ColdpatchError {
  return new ColdpatchError('path_not_found', `Expected ${path} inside the image, but ${found}.`);
}

function componentsOf(path: string): string[] {
  if (Buffer.byteLength(path) > maximumPathBytes) {
    throw notFound(`a path of at most ${maximumPathBytes} bytes`, `one begins with ${path.slice(0, 60)}`);
  }
  const names = path.split('/').filter((name) => name !== '');
  for (const name of names) {
    if (Buffer.byteLength(name) > maximumNameBytes) {
      throw notFound(`a name of at most ${maximumNameBytes} bytes`, `one begins with ${name.slice(0, 60)}`);
    }
  }
  return names;
}
