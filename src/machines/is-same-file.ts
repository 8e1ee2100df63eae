import { statSync } from 'node:fs';

/** Whether two paths are one, or lead to one file at the moment: storage may have moved behind a link or a mount. */
export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true;
  const found = idOf(one);
  return found !== undefined && found === idOf(other);
}

/** Undefined when nothing is there, or it cannot be looked at. */
function idOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
