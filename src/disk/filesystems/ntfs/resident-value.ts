import type { AttributePart } from './attributes-of.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';

/** The value of an attribute that is always in a file record, or undefined when the file has none such. */
export function residentValue(
  attributes: readonly AttributePart[],
  type: number,
  name: string,
  what: string,
): Uint8Array | undefined {
  const part = attributes.find((candidate) => candidate.type === type && candidate.name === name);
  const attribute = part?.load();
  if (attribute?.kind === 'mapped') {
    throw filesystemCorrupt(
      `Expected the attribute of type 0x${type.toString(16)} of ${what} in its record, but it is in clusters.`,
    );
  }
  return attribute?.value;
}
