import { lookAtFile } from '../look-at-file.ts';
import type { SourceAdapter } from '../types.ts';
import { assertNoDomainUses } from './assert-no-domain-uses.ts';
import { listLibvirt } from './list-libvirt.ts';
import { readPools } from './read-pools.ts';

/** Storage pools of files and the disks of domains, as the libvirt of this host knows them. */
export const libvirt: SourceAdapter = {
  id: 'libvirt',
  open(settings) {
    if (settings.kind !== 'libvirt') return undefined;
    return {
      kind: 'libvirt',
      list: (remembered, others) => listLibvirt(settings, remembered, others),
      look: lookAtFile,
      directories: async () => (await readPools(settings)).map(({ directory }) => directory),
      assertUnused: (locator) => assertNoDomainUses(settings.uri, locator),
    };
  },
};
