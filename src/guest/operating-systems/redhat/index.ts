import { hasRpmDatabase } from '../../package-managers/rpm/read-rpm-database.ts';
import { isOfFamily } from '../is-of-family.ts';
import type { OperatingSystemFamily } from '../types.ts';

const ids = ['rhel', 'fedora', 'centos', 'rocky', 'almalinux', 'ol', 'amzn'];

/** Red Hat's family: RHEL, Fedora, CentOS, Rocky, AlmaLinux, Oracle, Amazon, and what names one of them in ID_LIKE. */
export const redhat: OperatingSystemFamily = {
  id: 'redhat',
  revision: 1,
  packageManager: 'rpm',
  versioning: 'rpm',
  releasePackage: /(?:^|-)(?:release|repos)(?:-|$)/,
  detect(tree, release) {
    if (!isOfFamily(release, ids)) return { answer: 'no' };
    if (hasRpmDatabase(tree)) return { answer: 'yes' };
    return {
      answer: 'unreadable',
      detail: `the system calls itself ${release.id}, but there are no records of rpm`,
    };
  },
};
