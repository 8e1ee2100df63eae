import type { ByteSource } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { sealedAssembly } from '../sealed-assembly.ts';
import type { VolumeManager } from '../types.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { describeBinding } from './binding.ts';
import type { LuksHeader } from './header.ts';
import { magic } from './layout.ts';
import { parseVersionOne } from './parse-version-one.ts';
import { findSecondHeader, parseVersionTwo } from './parse-version-two.ts';

/** Linux's encryption of volumes. It is recognised and described, never opened. */
export const luks: VolumeManager = {
  id: 'luks',
  revision: 1,
  detect(volume) {
    return { answer: versionOf(volume) === undefined ? 'no' : 'yes' };
  },
  describe(volume) {
    const { uuid, label, version, cipher, slots, bindings } = parseHeader(volume);
    return {
      uuid,
      label,
      properties: { version, cipher, keySlots: slots, bindings: bindings.map(describeBinding).join('; ') },
    };
  },
  assemble(members) {
    return sealedAssembly(members, ({ bytes }) => {
      const { version, cipher, uuid, bindings } = parseHeader(bytes);
      const bound = bindings.map(describeBinding).join('; ');
      return `is encrypted by LUKS ${version} (${cipher}, ${uuid})${bound && `, bound to ${bound}`}`;
    });
  },
};

function versionOf(volume: ByteSource): 1 | 2 | undefined {
  if (hasBytes(volume, 0n, `${magic}\0\x01`)) return 1;
  if (hasBytes(volume, 0n, `${magic}\0\x02`)) return 2;
  return findSecondHeader(volume) === undefined ? undefined : 2;
}

function parseHeader(volume: ByteSource): LuksHeader {
  switch (versionOf(volume)) {
    case 1:
      return parseVersionOne(volume);
    case 2:
      return parseVersionTwo(volume);
    default:
      throw volumeCorrupt('Expected a header of LUKS, but found none.');
  }
}
