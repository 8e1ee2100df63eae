import type { Gap } from '../../lib/gap.ts';
import type { OperatingSystem } from '../../guest/types.ts';
import type { Provenance } from '../advisories/types.ts';
import type { SupportPeriod } from '../lifecycle/support-period.ts';
import type { UsedRepository } from '../used-repositories.ts';
import type { ExposureSummary, PackageExposure, Unknown } from './exposure.ts';

/**
 * What `coldpatch scan --format json` prints: an image compared with the upgrade information.
 * The names are fixed: scripts rely on them. Times are ISO 8601.
 */
export interface Scan {
  readonly schema: 1;
  readonly image: string;
  readonly scannedAt: string;
  readonly operatingSystem: OperatingSystem;
  readonly support: SupportPeriod;
  /** The most urgent first. */
  readonly packages: readonly PackageExposure[];
  readonly summary: ExposureSummary;
  /** What is not known, and therefore not clean. */
  readonly unknown: readonly Unknown[];
  /** The exact state of the repositories that was compared with. */
  readonly repositories: readonly UsedRepository[];
  /** The imported advisories that were compared with. */
  readonly feeds: readonly Provenance[];
  /** What of the image was not read. */
  readonly gaps: readonly Gap[];
}
