import { hasApkDatabase } from '../../package-managers/apk/read-apk-database.ts';
import { isOfFamily } from '../is-of-family.ts';
import type { OperatingSystemFamily } from '../types.ts';

/** Alpine, and what names it in ID_LIKE. */
export const alpine: OperatingSystemFamily = {
  id: 'alpine',
  revision: 1,
  packageManager: 'apk',
  versioning: 'apk',
  releasePackage: () => /^(?:alpine-(?:release|baselayout)|.*-release)$/,
  detect(tree, release) {
    if (!isOfFamily(release, ['alpine'])) return { answer: 'no' };
    if (hasApkDatabase(tree)) return { answer: 'yes' };
    return { answer: 'unreadable', detail: `os-release says ${release.id}, but there are no records of apk` };
  },
};
