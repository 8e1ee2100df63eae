import { readFirmware } from '../guest/boot/read-firmware.ts';
import type { OpenedImage } from '../disk/types.ts';
import type { Machine } from '../machines/definitions/machine.ts';
import { runGuestJob } from '../machines/guest-job/run-guest-job.ts';
import type { CopyStart } from '../patch/engines/types.ts';
import type { ExaminedImage } from '../patch/examine-image.ts';

const memoryMebibytes = 1024;

/** For the engine `boot`: starts a copy as the machine whose disk it is, or as a plain machine that fits it. */
export function copyStarter(
  machine: Machine | undefined,
): (examined: ExaminedImage, start: CopyStart) => Promise<number> {
  return ({ opened }, { copy, seconds, ...start }) =>
    runGuestJob({
      ...start,
      copy: { path: copy.path, format: copy.format },
      backing: copy.backing,
      jobSeconds: seconds,
      machine,
      madeFor: firmwareOf(opened),
      memoryMebibytes,
    });
}

/** An image that both kinds can start is started by the older one, as hypervisors do unless told otherwise. */
export function firmwareOf(opened: OpenedImage): 'bios' | 'uefi' {
  const kinds = readFirmware(opened, []);
  return kinds.includes('uefi') && !kinds.includes('bios') ? 'uefi' : 'bios';
}
