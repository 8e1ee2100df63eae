import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError, isColdpatchError } from '../../../lib/errors.ts';
import { hasBytes } from '../../has-bytes.ts';
import { quote } from '../../quote.ts';
import type { ImageFormat, ImageHeader } from '../types.ts';
import { listTar } from './list-tar.ts';
import { isDescriptor, type PackagedDisk, readPackage } from './read-package.ts';

/** A virtual machine as one file: a tar archive with an OVF descriptor and disks, which are read where they lie. */
export const ova: ImageFormat = {
  id: 'ova',
  revision: 1,
  detect: (file) => ({ answer: hasBytes(file, 257n, 'ustar') && startsWithDescriptor(file) ? 'yes' : 'no' }),
  readHeader(file, parts) {
    const packaged = readPackage(file, parts);
    const { virtualSize, properties } = headerOf(packaged);
    const { name, disks, manifest, adapter } = packaged;
    return {
      format: 'ova',
      virtualSize,
      properties: { ...properties, disk: name, disks, diskFormat: adapter.id, manifest },
    };
  },
  open(file, _backing, parts) {
    const packaged = readPackage(file, parts);
    headerOf(packaged);
    return packaged.adapter.open(packaged.bytes, undefined);
  },
};

/** DSP0243, section 5.3: the descriptor is the first file of the archive. */
function startsWithDescriptor(file: ByteSource): boolean {
  try {
    const first = listTar(file).next();
    return first.done !== true && isDescriptor(first.value.name);
  } catch (error) {
    if (isColdpatchError(error)) return false;
    throw error;
  }
}

/** A disk that is built on other files is none that a package can hold. */
function headerOf({ adapter, bytes, name }: PackagedDisk): ImageHeader {
  const header = adapter.readHeader(bytes);
  if (header.backingFile === undefined && header.extents === undefined) return header;
  throw new ColdpatchError(
    'image_format_unsupported',
    `Expected the disk ${quote(name)} of the OVA to be whole, but it names other files. Unpack the OVA and name the disk.`,
  );
}
