import { hasBytes } from '../../has-bytes.ts';
import type { FilesystemFormat } from '../types.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { descriptor, identifier, sectorBytes } from './layout.ts';
import { textOf } from './parse-identity.ts';
import { readBootPlatforms } from './read-boot-platforms.ts';
import { readVolumeDescriptors } from './read-volume-descriptors.ts';
import { openIso9660 } from './reader.ts';

/** ISO 9660 with Joliet or Rock Ridge: installation media, seeds of cloud-init. */
export const iso9660: FilesystemFormat = {
  id: 'iso9660',
  revision: 1,
  detect(volume) {
    // A volume that begins with anything else, such as UDF alone, is another format.
    const descriptors = hasBytes(volume, 0x8001n, identifier) ? readVolumeDescriptors(volume) : undefined;
    if (descriptors === undefined) {
      return { answer: 'no' };
    }
    const blockSize = descriptors.primary.readUInt16LE(descriptor.blockSize);
    return blockSize === sectorBytes
      ? { answer: 'yes' }
      : { answer: 'unreadable', detail: `holds an ISO 9660 filesystem with blocks of ${blockSize} bytes` };
  },
  describe(volume) {
    const descriptors = readVolumeDescriptors(volume);
    if (descriptors === undefined) {
      throw filesystemCorrupt('Expected the primary descriptor of an ISO 9660, but found none.');
    }
    const { filesystem, naming } = openIso9660(volume);
    const { primary, bootCatalogSector, hasUdf } = descriptors;
    return {
      uuid: filesystem.uuid,
      label: filesystem.label,
      properties: {
        names: naming,
        application: textOf(primary, descriptor.applicationId, descriptor.applicationIdBytes),
        elTorito: bootCatalogSector !== undefined,
        ...(bootCatalogSector === undefined
          ? {}
          : { bootPlatforms: readBootPlatforms(volume, bootCatalogSector).join(', ') }),
        udf: hasUdf,
      },
    };
  },
  open: (volume) => openIso9660(volume).filesystem,
};
