import type { Filesystem } from '../disk/filesystems/types.ts';
import { type FileTree, mountTree } from './file-tree.ts';

/** A tree of files that ostree has checked out as the root of a system. */
export interface OstreeDeployment {
  /** On its filesystem: `/ostree/deploy/fedora-coreos/deploy/<checksum>.0`. */
  readonly path: string;
  /** The filesystem as if the deployment were its root. */
  readonly filesystem: Filesystem;
  readonly tree: FileTree;
}

const base = '/ostree/deploy';
const mostSystems = 20;
const mostDeployments = 20;

/** The deployments on a filesystem; a system keeps two or three of them. */
export function ostreeDeployments(tree: FileTree, filesystem: Filesystem): readonly OstreeDeployment[] {
  const systems = tree.names(base).slice(0, mostSystems);
  return systems.flatMap((system) =>
    tree
      .names(`${base}/${system}/deploy`)
      .filter((name) => /^[0-9a-f]{64}\.\d+$/.test(name))
      .slice(0, mostDeployments)
      .flatMap((name) => {
        const path = `${base}/${system}/deploy/${name}`;
        const status = tree.linkStatus(path);
        if (status.type !== 'directory') return [];
        const view: Filesystem = { ...filesystem, rootInode: status.inode };
        return [{ path, filesystem: view, tree: mountTree([{ path: '/', filesystem: view }]) }];
      }),
  );
}
