import { cveNumbers } from '../cve-numbers.ts';
import { parseSeverity } from '../parse-severity.ts';
import type { AdvisoryRecord, Statement } from '../types.ts';
import { releaseOfUpdate } from './release-of-update.ts';
import type { Update, UpdatedPackage } from './update.ts';

/** From which version of each package on the vulnerabilities of an update are fixed, once whatever the architectures. */
export function* recordsOfUpdate(update: Update): Generator<AdvisoryRecord> {
  const release = releaseOfUpdate(update);
  if (release === undefined) return;
  const named = cveNumbers(`${update.title} ${update.references.join(' ')}`);
  const numbers = named.length > 0 ? named : [update.id];
  const packages = new Map(update.packages.map((one) => [JSON.stringify(one), one]));
  for (const one of packages.values()) {
    for (const number of numbers) {
      const statement: Statement = {
        release,
        package: one.name,
        packageKind: 'binary',
        vulnerability: number,
        ...(number === update.id ? {} : { advisory: update.id }),
        status: 'fixed',
        fixedVersion: versionOf(one),
        severity: parseSeverity(update.severity),
      };
      yield { kind: 'statement', statement };
    }
  }
}

/** `epoch:version-release`, without an epoch of 0. */
function versionOf({ epoch, version, release }: UpdatedPackage): string {
  const full = release === '' ? version : `${version}-${release}`;
  return epoch === '' || epoch === '0' ? full : `${epoch}:${full}`;
}
