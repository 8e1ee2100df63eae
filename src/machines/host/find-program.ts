import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../lib/run-program.ts';

/** Where a program of this host is, on the path that our programs get; undefined when it is not there. */
export function findProgram(name: string, path = cleanEnvironment().PATH ?? ''): string | undefined {
  return path
    .split(':')
    .map((directory) => join(directory, name))
    .find(isExecutableFile);
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
