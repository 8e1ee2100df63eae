import { keyBindings } from '../../disk/key-bindings.ts';
import type { OpenedImage, Volume } from '../../disk/types.ts';
import type { Gap } from '../../lib/gap.ts';
import { efiSystemTypes, readFirmware } from '../boot/read-firmware.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findBootPrograms } from './find-boot-programs.ts';
import type { ProgramOptions } from './read-boot-program.ts';
import type { MeasuredBoot } from './types.ts';

/** Of the Boot Loader Specification: kernels that do not fit on the EFI system partition. */
const extendedBootType = 'bc13c2ff-59e6-4262-a352-b275fd6f7172';

/** What of an image a TPM measures, and which keys depend on it. Never throws for what the image holds. */
export function readMeasuredBoot(image: OpenedImage, options: ProgramOptions): MeasuredBoot {
  const gaps: Gap[] = [];
  const firmware = readFirmware(image, gaps);
  const programs = image.volumes
    .filter(startsPrograms)
    .flatMap((volume) => findBootPrograms(volume, options, gaps));
  const unreadKeys: string[] = [];
  const keys = image.volumes.flatMap((volume) => {
    const bindings = readOrGap(volume.name, gaps, () => keyBindings(volume));
    if (bindings === undefined) unreadKeys.push(volume.name);
    return (bindings ?? []).map((binding) => ({ volume: volume.name, binding }));
  });
  for (const { name, container } of image.volumes) {
    if (container?.manager !== 'bitlocker') continue;
    unreadKeys.push(name);
    gaps.push({
      where: name,
      reason: 'encrypted',
      detail: 'which PCRs BitLocker is bound to lies inside what the TPM sealed',
    });
  }
  return { firmware, programs, keys, unreadKeys, gaps };
}

function startsPrograms({ partition }: Volume): boolean {
  return partition !== undefined && [...efiSystemTypes, extendedBootType].includes(partition.type);
}
