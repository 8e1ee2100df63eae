import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { findLeftovers } from '../machines/generations/find-leftovers.ts';
import { recover } from '../machines/generations/recover.ts';
import { listStateDirectories } from '../machines/generations/state-directory.ts';
import { examineHost } from '../machines/host/examine-host.ts';
import type { HostCheck } from '../machines/host/types.ts';
import { holdImageLocks } from '../machines/hypervisors/qemu/hold-image-lock.ts';
import { acquireRunLock } from '../machines/run-lock.ts';

export interface DoctorRequest {
  /** Folders with images, besides the configured ones. */
  readonly directories: readonly string[];
  /** Clean what killed runs left. */
  readonly clean: boolean;
}

export interface LeftoverFinding {
  readonly image: string;
  readonly path: string;
  readonly cleaned: boolean;
}

export interface Diagnosis {
  readonly checks: readonly HostCheck[];
  readonly leftovers: readonly LeftoverFinding[];
}

/** `coldpatch doctor`: what this host can do, and what killed runs left in folders with images. */
export async function examine(config: Config, { directories, clean }: DoctorRequest): Promise<Diagnosis> {
  const folders = [...new Set([...directories, ...config.imageDirectories].map((path) => resolve(path)))];
  const leftovers: LeftoverFinding[] = [];
  for (const folder of folders) {
    for (const state of await listStateDirectories(folder)) {
      const found = await findLeftovers(state);
      if (found.length === 0) continue;
      if (clean) {
        await using _lock = await acquireRunLock(state.path);
        await recover(state, { holdImages: holdImageLocks });
      }
      leftovers.push(...found.map(({ path }) => ({ image: state.imagePath, path, cleaned: clean })));
    }
  }
  return { checks: await examineHost(folders), leftovers };
}
