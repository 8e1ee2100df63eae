import { ColdpatchError } from '../../lib/errors.ts';
import type { ChainMember } from '../types.ts';
import type { WritableFormatId } from './types.ts';

/** @throws ColdpatchError `image_format_unsupported` for what is only read: other formats, and compressed files. */
export function assertWritable({
  header,
  compression,
}: Pick<ChainMember, 'header' | 'compression'>): WritableFormatId {
  const { format } = header;
  if (compression !== undefined) {
    throw new ColdpatchError(
      'image_format_unsupported',
      `Expected an image that is not compressed, because an upgrade writes to a copy of it, but it is compressed by ${compression}. ` +
        'Unpack it first.',
    );
  }
  if (format === 'raw' || format === 'qcow2') return format;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected a raw or qcow2 image, because an upgrade writes to a copy of it, but it is ${format}. ` +
      'Convert it with qemu-img convert -O qcow2.',
  );
}
