import { ColdpatchError } from '../../../lib/errors.ts';

/** The three parts of `[epoch:]upstream[-revision]`, deb-version(7). */
export interface DebVersion {
  readonly epoch: number;
  readonly upstream: string;
  /** Empty when there is none, which orders like `0`. */
  readonly revision: string;
}

const maximumLength = 512;
const maximumEpoch = 0x7fffffff;
const parts = /^(?:(\d{1,10}):)?(.+)$/;
const upstreamShape = /^[A-Za-z0-9.+~:-]+$/;
const revisionShape = /^[A-Za-z0-9.+~]+$/;

/** @throws `version_invalid` */
export function parseDebVersion(version: string): DebVersion {
  const match = version.length > maximumLength ? null : parts.exec(version);
  if (match === null) throw invalid(version);
  const [, epochDigits, rest = ''] = match;
  const epoch = Number(epochDigits ?? '0');
  const hyphen = rest.lastIndexOf('-');
  const upstream = hyphen === -1 ? rest : rest.slice(0, hyphen);
  const revision = hyphen === -1 ? '' : rest.slice(hyphen + 1);
  if (
    epoch > maximumEpoch ||
    !upstreamShape.test(upstream) ||
    (hyphen !== -1 && !revisionShape.test(revision)) ||
    (epochDigits === undefined && upstream.includes(':'))
  ) {
    throw invalid(version);
  }
  return { epoch, upstream, revision };
}

function invalid(version: string): ColdpatchError {
  return new ColdpatchError(
    'version_invalid',
    `Expected a Debian version such as 1:2.3~rc1-4, found "${version.slice(0, 80)}". ` +
      'Correct the entry that it stands in.',
  );
}
