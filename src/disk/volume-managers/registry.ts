import { bitlocker } from './bitlocker/index.ts';
import { luks } from './luks/index.ts';
import { lvm2 } from './lvm2/index.ts';
import { md } from './md/index.ts';
import type { VolumeManager } from './types.ts';

/** In the order of assembly: the physical volumes of LVM may lie on arrays of md. */
export const volumeManagers: readonly VolumeManager[] = [md, lvm2, luks, bitlocker];
