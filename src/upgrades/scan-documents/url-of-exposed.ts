import { packageUrl } from '../../guest/sbom/package-url.ts';
import type { OperatingSystem } from '../../guest/types.ts';
import type { PackageExposure } from '../matching/exposure.ts';

/** The package URL of the installed version. */
export function urlOfExposed(
  { name, architecture, installed, manager }: PackageExposure,
  system: OperatingSystem,
): string {
  return packageUrl({ name, architecture, version: installed, manager }, system);
}
