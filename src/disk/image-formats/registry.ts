import { ColdpatchError } from '../../lib/errors.ts';
import { ova } from './ova/index.ts';
import { qcow2 } from './qcow2/index.ts';
import { raw } from './raw/index.ts';
import type { ImageFormat, ImageFormatId } from './types.ts';
import { vdi } from './vdi/index.ts';
import { vhd } from './vhd/index.ts';
import { vhdx } from './vhdx/index.ts';
import { vmdk } from './vmdk/index.ts';

/** In the order of detection: raw has no mark of its own, so it comes last. */
export const imageFormats: readonly ImageFormat[] = [qcow2, vmdk, vhdx, vhd, vdi, ova, raw];

export function imageFormatById(id: ImageFormatId): ImageFormat {
  const format = imageFormats.find((candidate) => candidate.id === id);
  if (format === undefined) {
    throw new ColdpatchError('internal', `There is no image format ${id}.`);
  }
  return format;
}
