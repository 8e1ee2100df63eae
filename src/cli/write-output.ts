import { accessSync, constants, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';

/** Asked before the work: what it finds is not to be lost for want of a folder. @throws ColdpatchError `file_unwritable` */
export function assertPlaceFor(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new ColdpatchError(
      'file_unwritable',
      `Expected a folder for ${path} that can be written, but: ${(cause as Error).message}. Nothing was done.`,
      { cause },
    );
  }
}

/** Writes what a command found into the file that was named for it. @throws ColdpatchError `file_unwritable` */
export function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    throw new ColdpatchError(
      'file_unwritable',
      `Expected to write ${path}, but: ${(cause as Error).message}. The work itself is done.`,
      { cause },
    );
  }
}
