import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { type Diagnosis, diagnoseHost } from '../machines/host/diagnose-host.ts';
import { holdImageLocks } from '../machines/hypervisors/qemu/hold-image-lock.ts';

export interface DoctorRequest {
  /** Folders with images, besides the configured ones. */
  readonly directories: readonly string[];
  /** Clean what killed runs left. */
  readonly clean: boolean;
  readonly signal: AbortSignal;
}

/** `coldpatch doctor`: what this host can do, and what killed runs left in folders with images. */
export function diagnose(config: Config, { directories, clean, signal }: DoctorRequest): Promise<Diagnosis> {
  return diagnoseHost({
    directories: [...new Set([...directories, ...config.imageDirectories].map((path) => resolve(path)))],
    clean,
    kvmProbeSeconds: config.kvmProbeSeconds,
    cacheDirectory: config.cacheDirectory,
    nodeVersion: process.versions.node,
    isRoot: process.geteuid?.() === 0,
    holdImages: holdImageLocks,
    stateDirectory: config.stateDirectory,
    now: () => new Date(),
    signal,
  });
}
