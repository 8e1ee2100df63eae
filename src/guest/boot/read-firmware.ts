import type { OpenedImage } from '../../disk/types.ts';
import { readBytes } from '../../lib/byte-source.ts';
import type { Gap } from '../../lib/gap.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { BootSetup } from '../types.ts';

/** Bytes of a master boot record before the disk signature and the partition table. */
const bootCodeBytes = 440;
const biosBootType = '21686148-6449-6e6f-744e-656564454649';
/** Of an EFI system partition: in a GPT, and in a master boot record. */
export const efiSystemTypes = ['c12a7328-f81f-11d2-ba4b-00a0c93ec93b', 'ef'];

/** The kinds of firmware that an image is made for, by its partitions and its boot code. */
export function readFirmware(image: OpenedImage, gaps: Gap[]): BootSetup['firmware'] {
  const types = image.partitionTable?.partitions.map(({ type }) => type) ?? [];
  const firmware: ('bios' | 'uefi')[] = [];
  const hasBootCode = readOrGap('boot sector', gaps, () =>
    readBytes(image.disk, 0n, bootCodeBytes).some((byte) => byte !== 0),
  );
  if (hasBootCode === true || types.includes(biosBootType)) firmware.push('bios');
  if (types.some((type) => efiSystemTypes.includes(type))) firmware.push('uefi');
  return firmware;
}
