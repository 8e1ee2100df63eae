import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Vtpm } from '../definitions/machine.ts';

/** All files that swtpm may keep of a TPM 2.0 in its directory; the first is always there. */
export const directoryFiles = ['tpm2-00.permall', 'tpm2-00.volatilestate', 'tpm2-00.savestate'] as const;

/** By what swtpm keeps a second swtpm away from the same directory. */
export const lockFileName = '.lock';

/** swtpm's own files take a few KiB; a file is read whole, so there is a limit. */
export const largestStateFile = 64 * 1024 * 1024;

/** Where the files of a vTPM may be, and how its generations name them. */
export function statePathsOf(vtpm: Vtpm): readonly { readonly name: string; readonly path: string }[] {
  if (vtpm.backend === 'file') return [{ name: 'vtpm', path: vtpm.path }];
  return directoryFiles.map((name) => ({ name, path: join(vtpm.path, name) }));
}

export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
