import { dpkgEvidence } from '../dpkg-evidence.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** Debian itself; its derivatives have other repositories and advisories. */
export const debian: OperatingSystemFamily = {
  id: 'debian',
  revision: 1,
  packageManager: 'dpkg',
  versioning: 'deb',
  detect(tree, release) {
    if (release.id !== 'debian') return { answer: 'no' };
    return dpkgEvidence(tree, 'Debian', ['/etc/debian_version']);
  },
};
