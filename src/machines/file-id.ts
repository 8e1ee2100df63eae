import { statSync } from 'node:fs';

/** Device and inode of what a path leads to, which are one file's alone. Undefined when nothing is there, or it cannot be looked at. */
export function fileIdOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
