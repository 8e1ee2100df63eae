import type { SourceConfig } from '../../config/server-schema.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { type Finding, replaceFindings } from '../../store/findings.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import type { PackageExposure } from '../../upgrades/matching/exposure.ts';
import type { Scan } from '../../upgrades/matching/scan.ts';
import { severities } from '../../upgrades/advisories/types.ts';
import { scanImages } from '../scan.ts';
import type { ServerContext } from './server-context.ts';
import { noDisplay, upgradeRequest } from './upgrade-request.ts';

/** What comparing an image with the upgrade information found. */
export interface Matched {
  readonly outcome: 'matched' | 'system_unknown';
  readonly outdated: number;
  readonly vulnerabilities: number;
  /** An upgrade would close what the policy asks for, or nobody knows that it would not. */
  readonly isUrgentEnough: boolean;
}

/** Compares an image with what is published, and keeps what it is open to. */
export async function matchStoredImage(
  server: ServerContext,
  image: StoredImage,
  { source, signal }: { readonly source: SourceConfig; readonly signal: AbortSignal },
): Promise<Matched> {
  const { store, config } = server;
  const options = {
    ...upgradeRequest(image, source),
    allowUnsigned: false,
    changelogs: false,
    display: noDisplay,
    signal,
  };
  const matched_at = store.now().toISOString();
  for await (const answer of scanImages(config, [image.locator], options)) {
    const { error } = answer;
    if (error?.code === 'system_unknown' || error?.code === 'image_encrypted') {
      await replaceFindings(store, image.id, []);
      const nothing = { outdated: null, vulnerabilities: null, urgent: null, unknowns: null };
      await updateImageRow(store, image.id, { ...nothing, matched_at });
      return { outcome: 'system_unknown', outdated: 0, vulnerabilities: 0, isUrgentEnough: false };
    }
    if (error !== undefined) throw error;
    const { packages, summary, unknown } = answer.scan;
    await replaceFindings(store, image.id, packages.flatMap(findingsOf));
    await updateImageRow(store, image.id, {
      outdated: summary.lagging,
      vulnerabilities: summary.vulnerabilities.total,
      urgent: urgentOf(packages),
      unknowns: unknown.length,
      matched_at,
    });
    return {
      outcome: 'matched',
      outdated: summary.lagging,
      vulnerabilities: summary.vulnerabilities.total,
      isUrgentEnough: isUrgentEnough(answer.scan, source),
    };
  }
  throw new ColdpatchError('internal', `Expected a scan of ${image.locator}, but there was no answer.`);
}

function findingsOf(exposed: PackageExposure): readonly Finding[] {
  const { manager, name, architecture, installed, vulnerabilities } = exposed;
  return vulnerabilities.map(({ id, severity, fixedVersion, remedy, exploitedSince }) => ({
    advisory: id,
    manager,
    package: name,
    architecture,
    installed,
    severity,
    fixed_version: fixedVersion,
    remedy,
    exploited_since: exploitedSince,
  }));
}

function urgentOf(packages: readonly PackageExposure[]): number {
  const urgent = packages
    .flatMap(({ vulnerabilities }) => vulnerabilities)
    .filter(
      ({ severity, exploitedSince }) =>
        severity === 'critical' || severity === 'high' || exploitedSince !== null,
    );
  return new Set(urgent.map(({ id }) => id)).size;
}

/** What has no severity counts, and so does an image of which no advisory speaks: nobody knows that it can wait. */
function isUrgentEnough(
  { packages, unknown }: Pick<Scan, 'packages' | 'unknown'>,
  { policy: { minimumSeverity } }: SourceConfig,
): boolean {
  if (minimumSeverity === undefined || unknown.some(({ where }) => where === 'advisories')) return true;
  const least = severities.indexOf(minimumSeverity);
  return packages
    .filter(({ available }) => available !== null)
    .flatMap(({ vulnerabilities }) => vulnerabilities)
    .filter(({ remedy }) => remedy === 'fix-published')
    .some(({ severity }) => severity === 'unknown' || severities.indexOf(severity) >= least);
}
