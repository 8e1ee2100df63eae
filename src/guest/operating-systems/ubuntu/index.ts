import { dpkgEvidence } from '../dpkg-evidence.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** Ubuntu itself and its flavours, which share its repositories and its id. */
export const ubuntu: OperatingSystemFamily = {
  id: 'ubuntu',
  revision: 1,
  packageManager: 'dpkg',
  versioning: 'deb',
  detect(tree, release) {
    if (release.id !== 'ubuntu') return { answer: 'no' };
    return dpkgEvidence(tree, 'Ubuntu', ['/etc/lsb-release', '/etc/debian_version']);
  },
};
