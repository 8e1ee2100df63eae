import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file, and waits until it is on the disk with its name. */
export function writeSynced(path: string, bytes: Uint8Array): void {
  writeFileSync(path, bytes);
  syncPath(path);
  syncPath(dirname(path));
}

/** Waits until a file, or the names in a directory, are on the disk. */
export function syncPath(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
