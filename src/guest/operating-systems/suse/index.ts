import { hasRpmDatabase } from '../../package-managers/rpm/read-rpm-database.ts';
import { isOfFamily } from '../is-of-family.ts';
import { releasePackage } from '../release-package.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** SLES has releases under the names of many products. */
const vendors = new Map([
  ['opensuse', 'openSUSE|Leap'],
  ['opensuse-leap', 'openSUSE|Leap'],
  ['opensuse-tumbleweed', 'openSUSE'],
]);
const ids = ['sles', 'sled', 'sle-micro', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'suse'];

/** SUSE's family: SLES, openSUSE, and what names one of them in ID_LIKE. */
export const suse: OperatingSystemFamily = {
  id: 'suse',
  revision: 1,
  packageManager: 'rpm',
  versioning: 'rpm',
  releasePackage: ({ id }) => releasePackage(vendors, id),
  detect(tree, release) {
    if (!isOfFamily(release, ids)) return { answer: 'no' };
    if (hasRpmDatabase(tree)) return { answer: 'yes' };
    return {
      answer: 'unreadable',
      detail: `the system calls itself ${release.id}, but there are no records of rpm`,
    };
  },
};
