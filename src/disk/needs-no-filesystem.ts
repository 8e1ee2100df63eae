import type { Partition } from './partition-tables/types.ts';

const types: ReadonlySet<string> = new Set([
  // BIOS boot partition: GRUB's second stage.
  '21686148-6449-6e6f-744e-656564454649',
  // PowerPC PReP boot, in GPT and in MBR.
  '9e1a2d38-c612-4316-aa26-8b49521e5a8b',
  '41',
  // Microsoft reserved partition.
  'e3c9e316-0b5c-4db8-817d-f92df00215ae',
]);

/** True for partitions that hold boot code or nothing, by their type. */
export function needsNoFilesystem(partition: Partition): boolean {
  return types.has(partition.type);
}
