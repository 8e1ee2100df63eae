import { sealedAssembly } from '../sealed-assembly.ts';
import type { VolumeManager } from '../types.ts';
import { describeBinding } from '../binding.ts';
import { readHeader, versionOf } from './read-header.ts';

/** Linux's encryption of volumes. It is recognised and described, never opened. */
export const luks: VolumeManager = {
  id: 'luks',
  revision: 2,
  detect(volume) {
    return { answer: versionOf(volume) === undefined ? 'no' : 'yes' };
  },
  bindings: (volume) => readHeader(volume).bindings,
  describe(volume) {
    const { uuid, label, version, cipher, slots, bindings } = readHeader(volume);
    return {
      uuid,
      label,
      properties: { version, cipher, keySlots: slots, bindings: bindings.map(describeBinding).join('; ') },
    };
  },
  assemble(members) {
    return sealedAssembly(members, ({ bytes }) => {
      const { version, cipher, uuid, bindings } = readHeader(bytes);
      const bound = bindings.map(describeBinding).join('; ');
      return `is encrypted by LUKS ${version} (${cipher}, ${uuid})${bound && `, bound to ${bound}`}`;
    });
  },
};
