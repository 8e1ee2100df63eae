import { listGenerations } from '../machines/generations/list-generations.ts';
import { resolveImagePath } from '../machines/image-path.ts';

/** `coldpatch generations`. */
export function generationsOf(path: string): ReturnType<typeof listGenerations> {
  return listGenerations(resolveImagePath(path).path);
}
