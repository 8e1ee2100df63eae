import { ColdpatchError } from '../../../lib/errors.ts';

/** The parts of `[epoch:]version[-release]`, rpm-version(7). */
export interface RpmVersion {
  readonly epoch: number;
  readonly version: string;
  /** Undefined when there is none, which orders before every other. */
  readonly release: string | undefined;
}

const maximumLength = 512;
const maximumEpoch = 0xffffffff;
const parts = /^(?:(\d{1,10}):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?$/;

/** @throws `version_invalid` */
export function parseRpmVersion(text: string): RpmVersion {
  const match = text.length > maximumLength ? null : parts.exec(text);
  const [, epochDigits = '0', version = '', release] = match ?? [];
  const epoch = Number(epochDigits);
  if (match === null || epoch > maximumEpoch) {
    throw new ColdpatchError(
      'version_invalid',
      `Expected an rpm version such as 1:2.3~rc1-4.el9, found "${text.slice(0, 80)}". ` +
        'Correct the entry that it stands in.',
    );
  }
  return { epoch, version, release };
}
