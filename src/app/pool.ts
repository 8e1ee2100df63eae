/** `coldpatch pool`: what the cache keeps of packages and repositories. */
export { exportPool } from '../upgrades/pool/export-pool.ts';
export { importPool } from '../upgrades/pool/import-pool.ts';
export { prunePool } from '../upgrades/pool/prune-pool.ts';
export { verifyPool } from '../upgrades/pool/verify-pool.ts';
