import { ColdpatchError } from '../../lib/errors.ts';
import type { ImageFormatId, WritableFormatId } from './types.ts';

/** @throws ColdpatchError `image_format_unsupported` for a format that is only read. */
export function assertWritable(format: ImageFormatId): WritableFormatId {
  if (format === 'raw' || format === 'qcow2') return format;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected a raw or qcow2 image, because an upgrade writes to a copy of it, but it is ${format}. ` +
      'Convert it with qemu-img convert -O qcow2.',
  );
}
