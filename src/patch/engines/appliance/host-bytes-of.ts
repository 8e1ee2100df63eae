import type { PackageSizes } from '../types.ts';
import { jobDiskBytes } from './make-job-disk.ts';

/** Scripts of ours, and the records of each package. */
const scriptBytes = 1024 * 1024;
const recordBytes = 256 * 1024;
/** How much larger than its file a package is that does not say its size: what xz makes of programs. */
const usualGrowth = 6;

/**
 * The packages are on the job disk at their full size, and beside it while it is made; then, in their place, the copy
 * grows. The scratch disk is not counted: it takes room only when the inside has too little memory.
 */
export function hostBytesOf(growth: bigint, packages: readonly PackageSizes[]): bigint {
  const unpacked = packages.reduce(
    (sum, { size, installedSize }) => sum + Math.max(size, installedSize ?? size * usualGrowth) + recordBytes,
    scriptBytes,
  );
  const tree = BigInt(unpacked);
  return BigInt(jobDiskBytes(unpacked)) + (growth > tree ? growth : tree);
}
