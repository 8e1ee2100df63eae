import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OperatingSystem } from '../../guest/types.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { parseDistroInfo, type ReleaseLifecycle } from './parse-distro-info.ts';

/** Whether anybody still repairs a release. */
export interface SupportPeriod {
  /**
   * - `supported`: by its makers, for everybody
   * - `long-term`: a smaller team goes on, for some packages and architectures
   * - `ended`: no fixes come any more
   * - `unknown`: nothing at hand knows the release, which is no good news
   */
  readonly status: 'supported' | 'long-term' | 'ended' | 'unknown';
  /** The last day of the present period, or for `ended` of the last one (ISO 8601). */
  readonly until: string | null;
  /** What says so. */
  readonly source: string;
}

const distroInfoDirectory = '/usr/share/distro-info';

/** What Debian's distro-info-data, as installed on this host, says of the release of a guest. */
export async function supportPeriod(
  system: Pick<OperatingSystem, 'id' | 'versionId' | 'versionCodename'>,
  now: Date,
): Promise<SupportPeriod> {
  const path = join(distroInfoDirectory, `${system.id}.csv`);
  const text = await readText(path);
  if (text === undefined) return { status: 'unknown', until: null, source: `${path} does not exist` };
  const release = parseDistroInfo(text).find(
    ({ version, series }) =>
      series === system.versionCodename || (version !== '' && version === system.versionId),
  );
  return release === undefined
    ? { status: 'unknown', until: null, source: `${path} does not name this release` }
    : { ...periodOf(release, now.toISOString().slice(0, 10)), source: path };
}

/** @param today ISO 8601 */
export function periodOf(
  { supportEnds, longTermEnds }: ReleaseLifecycle,
  today: string,
): Pick<SupportPeriod, 'status' | 'until'> {
  if (supportEnds === undefined) return { status: 'unknown', until: null };
  if (today <= supportEnds) return { status: 'supported', until: supportEnds };
  if (longTermEnds === undefined) return { status: 'ended', until: supportEnds };
  return { status: today <= longTermEnds ? 'long-term' : 'ended', until: longTermEnds };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
