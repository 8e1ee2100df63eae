import { ColdpatchError } from '../../../lib/errors.ts';

const shape = /^\d{1,10}(?:\.\d{1,10}){0,7}$/;

/** Number by number; a part that is absent is 0. @throws `version_invalid` for anything but numbers between dots. */
export function compareWindowsVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): readonly number[] {
  if (shape.test(version)) return version.split('.').map(Number);
  throw new ColdpatchError(
    'version_invalid',
    `Expected up to eight numbers between dots, as in 10.0.19045.3693, found "${version.slice(0, 100)}".`,
  );
}
