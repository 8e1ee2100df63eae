import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Where appliances are kept. */
export function applianceDirectory(cacheDirectory: string): string {
  return join(cacheDirectory, 'appliance');
}

/** The file that names the appliance in use by its digest. */
export function currentFile(cacheDirectory: string): string {
  return join(applianceDirectory(cacheDirectory), 'current');
}

/** What the files of an appliance are called, and its digests in the manifest. */
export const fileNames = ['kernel', 'initramfs', 'tools'] as const;

/** The SHA-256 of each file. */
export type FileDigests = Readonly<Record<(typeof fileNames)[number], string>>;

/** The digest of an appliance: over the digests of its files. */
export function applianceDigest(files: FileDigests): string {
  const lines = fileNames.map((name) => `${name} ${files[name]}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}

export const manifestName = 'manifest.json';
