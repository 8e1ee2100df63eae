import { fileIdOf } from './file-id.ts';

/** Whether two paths are one, or lead to one file at the moment: storage may have moved behind a link or a mount. */
export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true;
  const found = fileIdOf(one);
  return found !== undefined && found === fileIdOf(other);
}
