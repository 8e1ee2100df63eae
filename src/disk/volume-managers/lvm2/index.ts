import type { VolumeManager } from '../types.ts';
import { assembleGroups } from './assemble-groups.ts';
import { withDashes } from './collect-groups.ts';
import { findLabel, parseLabel } from './parse-label.ts';

/** Linux's logical volume manager, version 2. */
export const lvm2: VolumeManager = {
  id: 'lvm2',
  revision: 1,
  detect(volume) {
    return { answer: findLabel(volume) === undefined ? 'no' : 'yes' };
  },
  describe(volume) {
    const label = parseLabel(volume);
    return {
      uuid: withDashes(label.uuid),
      label: '',
      properties: { metadataAreas: label.metadataAreas.length },
    };
  },
  assemble: assembleGroups,
};
