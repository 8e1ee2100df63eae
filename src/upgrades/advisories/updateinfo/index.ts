import type { AdvisoryFormat } from '../types.ts';
import { readUpdates } from './read-updates.ts';

/** The list of advisories in the metadata of a repository of rpm packages. */
export const updateinfo: AdvisoryFormat = {
  id: 'updateinfo',
  revision: 1,
  read: readUpdates,
};
