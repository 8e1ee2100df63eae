import type { DirectoryEntry, FileStatus, Filesystem } from '../disk/filesystems/types.ts';
import { type ByteSource, readBytes } from '../lib/byte-source.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { notFound, type TreeNode, type Walkable, walkPath } from './walk-path.ts';

/** A filesystem and where in the tree it is found. */
export interface Mount {
  /** Absolute. */
  readonly path: string;
  readonly filesystem: Filesystem;
}

export interface ReadLimit {
  /** Bytes. */
  readonly limit: number;
}

/**
 * The files of a guest as the guest itself would see them, read only.
 *
 * Paths are absolute inside the guest; no link leads out of it.
 * Unless said otherwise, the last name of a path is followed when it is a symbolic link, and a path that does not
 * exist throws `path_not_found`. A filesystem that contradicts itself throws `filesystem_corrupt`.
 */
export interface FileTree {
  readonly mounts: readonly Mount[];
  /** Where a path leads to, or undefined when it does not exist. */
  find(path: string, options?: { readonly follow?: boolean }): TreeNode | undefined;
  exists(path: string): boolean;
  status(path: string): FileStatus;
  /** Of the link itself, when the path names one. */
  linkStatus(path: string): FileStatus;
  /** A whole regular file; `limit_exceeded` when it is larger than `limit`. */
  readFile(path: string, options: ReadLimit): Buffer;
  /** As UTF-8; broken sequences become U+FFFD. `limit` is 1 MiB unless given. */
  readText(path: string, options?: ReadLimit): string;
  /** Like `readText`, but undefined when there is no regular file. */
  tryReadText(path: string, options?: ReadLimit): string | undefined;
  readLink(path: string): string;
  /** In the order of the disk. */
  list(path: string): readonly DirectoryEntry[];
  /** Names in byte order; empty when there is no such directory. */
  names(path: string): readonly string[];
  /** The content of a regular file, lazily. */
  openFile(path: string): ByteSource;
  extendedAttributes(path: string): ReadonlyMap<string, Uint8Array>;
}

const defaultTextLimit = 1024 * 1024;
/** Names kept in memory before the cache of directories starts again. */
const maximumCachedNames = 200_000;

/**
 * Joins filesystems into one tree. The first mount must be `/`; each other one is placed on a directory of the
 * tree so far, as mount(8) would do in that order.
 *
 * @throws `path_not_found` when a mount point is not a directory of the tree, or its root.
 */
export function mountTree(mounts: readonly Mount[]): FileTree {
  const [first, ...others] = mounts;
  if (first === undefined || first.path !== '/') {
    throw new ColdpatchError('internal', 'Expected the first mount of a tree at /. Report this as a bug.');
  }
  const root: TreeNode = { filesystem: first.filesystem, inode: first.filesystem.rootInode, path: '/' };
  const mounted = new Map<Filesystem, Map<number, Filesystem>>();
  const children = cachedChildren();
  const walkable: Walkable = {
    root,
    child(node, name) {
      let inode = children(node).get(name);
      if (inode === undefined) return undefined;
      let { filesystem } = node;
      for (
        let above = mounted.get(filesystem)?.get(inode);
        above;
        above = mounted.get(filesystem)?.get(inode)
      ) {
        filesystem = above;
        inode = above.rootInode;
      }
      return { filesystem, inode, path: node.path === '/' ? `/${name}` : `${node.path}/${name}` };
    },
  };
  for (const mount of others) {
    const place = walkPath(walkable, mount.path, true);
    if (place === undefined || place.filesystem.status(place.inode).type !== 'directory') {
      throw notFound(`a directory ${mount.path} to mount on`, 'there is none');
    }
    if (place.path === '/') throw notFound(`a directory ${mount.path} to mount on`, 'it is the root itself');
    const places = mounted.get(place.filesystem) ?? new Map<number, Filesystem>();
    mounted.set(place.filesystem, places.set(place.inode, mount.filesystem));
  }
  return treeOver(walkable, mounts);
}

function treeOver(walkable: Walkable, mounts: readonly Mount[]): FileTree {
  function find(path: string, options?: { readonly follow?: boolean }): TreeNode | undefined {
    return walkPath(walkable, path, options?.follow ?? true);
  }
  function locate(path: string, follow = true): TreeNode {
    const node = find(path, { follow });
    if (node === undefined) throw notFound(path, 'it does not exist');
    return node;
  }
  function locateType(path: string, type: FileStatus['type'], follow = true): TreeNode {
    const node = locate(path, follow);
    const found = node.filesystem.status(node.inode).type;
    if (found !== type) throw notFound(`a ${type} ${path}`, `it is a ${found}`);
    return node;
  }
  function openFile(path: string): ByteSource {
    const node = locateType(path, 'file');
    return node.filesystem.openFile(node.inode);
  }
  function readFile(path: string, { limit }: ReadLimit): Buffer {
    return readWhole(openFile(path), path, limit);
  }
  function regularFile(path: string): TreeNode | undefined {
    const node = findOrUndefined(path);
    if (node === undefined || node.filesystem.status(node.inode).type !== 'file') return undefined;
    return node;
  }
  function findOrUndefined(path: string): TreeNode | undefined {
    try {
      return find(path);
    } catch (error) {
      if (error instanceof ColdpatchError && error.code === 'path_not_found') return undefined;
      throw error;
    }
  }
  return {
    mounts,
    find,
    exists: (path) => findOrUndefined(path) !== undefined,
    status(path) {
      const node = locate(path);
      return node.filesystem.status(node.inode);
    },
    linkStatus(path) {
      const node = locate(path, false);
      return node.filesystem.status(node.inode);
    },
    readFile,
    readText: (path, options) => readFile(path, options ?? { limit: defaultTextLimit }).toString('utf8'),
    tryReadText(path, options) {
      const node = regularFile(path);
      if (node === undefined) return undefined;
      const bytes = readWhole(node.filesystem.openFile(node.inode), path, options?.limit ?? defaultTextLimit);
      return bytes.toString('utf8');
    },
    readLink(path) {
      const node = locateType(path, 'symlink', false);
      return node.filesystem.readLink(node.inode);
    },
    list(path) {
      const node = locateType(path, 'directory');
      return node.filesystem.readDirectory(node.inode);
    },
    names(path) {
      const node = findOrUndefined(path);
      if (node === undefined || node.filesystem.status(node.inode).type !== 'directory') return [];
      const entries = [...node.filesystem.readDirectory(node.inode)];
      entries.sort((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
      return entries.map((entry) => entry.name);
    },
    openFile,
    extendedAttributes(path) {
      const node = locate(path);
      return node.filesystem.extendedAttributes(node.inode);
    },
  };
}

function readWhole(file: ByteSource, path: string, limit: number): Buffer {
  if (file.size > BigInt(limit)) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected ${path} inside the image to have at most ${limit} bytes, but it has ${file.size}.`,
    );
  }
  return readBytes(file, 0n, Number(file.size));
}

/** The names of a directory, kept because a walk asks for the same few again and again. */
function cachedChildren(): (directory: TreeNode) => ReadonlyMap<string, number> {
  const cache = new Map<Filesystem, Map<number, ReadonlyMap<string, number>>>();
  let cachedNames = 0;
  return ({ filesystem, inode }) => {
    const known = cache.get(filesystem)?.get(inode);
    if (known !== undefined) return known;
    const names = new Map<string, number>();
    for (const entry of filesystem.readDirectory(inode)) {
      if (!names.has(entry.name)) names.set(entry.name, entry.inode);
    }
    if (cachedNames + names.size > maximumCachedNames) {
      cache.clear();
      cachedNames = 0;
    }
    const directories = cache.get(filesystem) ?? new Map<number, ReadonlyMap<string, number>>();
    cache.set(filesystem, directories.set(inode, names));
    cachedNames += names.size;
    return names;
  };
}
