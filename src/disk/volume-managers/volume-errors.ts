import { ColdpatchError } from '../../lib/errors.ts';

/** A volume manager contradicts itself. */
export function volumeCorrupt(message: string): ColdpatchError {
  return new ColdpatchError('volume_corrupt', message);
}

/** A known feature of a volume manager that is not read. */
export function volumeUnsupported(message: string): ColdpatchError {
  return new ColdpatchError('volume_unsupported', message);
}

/** A part of a volume that lies outside this image. */
export function volumeMissing(message: string): ColdpatchError {
  return new ColdpatchError('volume_missing', message);
}
