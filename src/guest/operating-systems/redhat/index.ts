import { hasRpmDatabase } from '../../package-managers/rpm/read-rpm-database.ts';
import { isOfFamily } from '../is-of-family.ts';
import { releasePackage } from '../release-package.ts';
import type { OperatingSystemFamily } from '../types.ts';

const vendors = new Map([
  ['rhel', 'redhat'],
  ['fedora', 'fedora|generic'],
  ['centos', 'centos'],
  ['rocky', 'rocky'],
  ['almalinux', 'almalinux'],
  ['ol', 'oraclelinux|enterprise'],
  ['amzn', 'system'],
  ['scientific', 'sl'],
]);
const ids = [...vendors.keys()];

/** Red Hat's family: RHEL, Fedora, CentOS, Rocky, AlmaLinux, Oracle, Amazon, and what names one of them in ID_LIKE. */
export const redhat: OperatingSystemFamily = {
  id: 'redhat',
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
