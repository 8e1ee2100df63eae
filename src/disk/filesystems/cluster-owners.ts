/** Says which inode a directory's first cluster belongs to: the one that asked for it first. */
export type ClusterOwners = (cluster: number, inode: number) => number;

/** Directories that are remembered, so that one that has two names is found out. */
const mostOwners = 262_144;

export function createClusterOwners(): ClusterOwners {
  const owners = new Map<number, number>();
  return (cluster, inode) => {
    const owner = owners.get(cluster) ?? inode;
    if (owners.size < mostOwners) {
      owners.set(cluster, owner);
    }
    return owner;
  };
}
