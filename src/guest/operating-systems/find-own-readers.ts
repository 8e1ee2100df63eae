import type { FileTree } from '../file-tree.ts';
import { operatingSystems } from './registry.ts';
import type { OwnReaders } from './types.ts';

/** The readers of the system in a tree that is no Linux; undefined for every other. */
export function findOwnReaders(tree: FileTree): OwnReaders | undefined {
  return operatingSystems.find(({ own }) => own?.isPresent(tree))?.own;
}
