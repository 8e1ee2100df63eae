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

/** @param kernel and initramfs: their SHA-256. */
export function applianceDigest({
  kernel,
  initramfs,
}: {
  readonly kernel: string;
  readonly initramfs: string;
}): string {
  return createHash('sha256').update(`kernel ${kernel}\ninitramfs ${initramfs}\n`).digest('hex');
}

export const kernelName = 'kernel';
export const initramfsName = 'initramfs';
export const manifestName = 'manifest.json';
