import type { FileStatus } from '../disk/filesystems/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { FileTree } from './file-tree.ts';

/** A path of a tree, without its links followed. */
export interface ListedFile {
  readonly path: string;
  /** The last component as the disk has it, which need not be UTF-8. */
  readonly nameBytes: Uint8Array;
  readonly status: FileStatus;
  /** Of a symbolic link. */
  readonly target?: string;
}

const maximumDepth = 512;

/**
 * What a directory holds, in byte order of the names; with `recursive`, what is below it too, each directory before its content.
 * A path that is no directory is listed itself.
 *
 * @throws ColdpatchError `path_not_found`, `filesystem_corrupt`; `limit_exceeded` below 512 levels of directories.
 */
export function* listFiles(
  tree: FileTree,
  path: string,
  { recursive }: { readonly recursive: boolean },
): Generator<ListedFile> {
  if (tree.status(path).type !== 'directory') {
    yield describe(tree, path, Buffer.from(path.split('/').at(-1) ?? ''));
    return;
  }
  yield* below(tree, path === '/' ? '' : path.replace(/\/+$/, ''), recursive, 0);
}

function* below(tree: FileTree, directory: string, recursive: boolean, depth: number): Generator<ListedFile> {
  if (depth > maximumDepth) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${maximumDepth} directories inside each other, but ${directory} lies deeper. Its filesystem may be damaged.`,
    );
  }
  const entries = tree
    .list(directory === '' ? '/' : directory)
    .toSorted((a, b) => Buffer.compare(a.nameBytes, b.nameBytes));
  for (const { name, nameBytes } of entries) {
    const listed = describe(tree, `${directory}/${name}`, nameBytes);
    yield listed;
    if (recursive && listed.status.type === 'directory') {
      yield* below(tree, listed.path, recursive, depth + 1);
    }
  }
}

function describe(tree: FileTree, path: string, nameBytes: Uint8Array): ListedFile {
  const status = tree.linkStatus(path);
  return { path, nameBytes, status, ...(status.type === 'symlink' && { target: tree.readLink(path) }) };
}
