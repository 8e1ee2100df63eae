import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { Partition } from '../types.ts';
import { sliceTypes } from './layout.ts';
import { findLabel, type Label, parseLabel } from './parse-label.ts';

/**
 * What an MBR partition of a BSD holds: a table of its own, whose offsets count from different places in different systems.
 * Goes on after "Partition 1 ..."; undefined when it is no such partition.
 */
export function recogniseSlice(partition: Partition, bytes: ByteSource): string | undefined {
  if (!sliceTypes.has(partition.type) || findLabel(bytes) === undefined) return undefined;
  return `is divided by a BSD disklabel ${describe(bytes)}`;
}

function describe(bytes: ByteSource): string {
  let label: Label;
  try {
    label = parseLabel(bytes);
  } catch (error) {
    if (isColdpatchError(error, 'image_corrupt')) return 'that is damaged';
    throw error;
  }
  const names = label.entries.map(
    ({ index, size, type }) => `${String.fromCharCode(97 + index)} (type ${type}, ${size} bytes)`,
  );
  return names.length === 0 ? 'without partitions' : `into ${names.join(', ')}`;
}
