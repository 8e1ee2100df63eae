import { sealedAssembly } from '../sealed-assembly.ts';
import type { VolumeManager } from '../types.ts';
import { metadataOffsets } from './metadata-offsets.ts';
import { parseMetadata } from './parse-metadata.ts';

/** Windows' encryption of volumes. It is recognised and described, never opened, not even with a clear key. */
export const bitlocker: VolumeManager = {
  id: 'bitlocker',
  revision: 1,
  detect(volume) {
    return { answer: metadataOffsets(volume) === undefined ? 'no' : 'yes' };
  },
  describe(volume) {
    const { uuid, description, cipher, protectors } = parseMetadata(volume);
    return { uuid, label: description, properties: { cipher, protectors: protectors.join(', ') } };
  },
  assemble(members) {
    return sealedAssembly(members, ({ bytes }) => {
      const { cipher, uuid, protectors } = parseMetadata(bytes);
      const openers = protectors.length === 0 ? 'nothing' : protectors.join(', ');
      return `is encrypted by BitLocker (${cipher}, ${uuid}), opened by: ${openers}`;
    });
  },
};
