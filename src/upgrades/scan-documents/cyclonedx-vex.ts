import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { PackageExposure, Remedy, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';
import { urlOfExposed } from './url-of-exposed.ts';

const { AnalysisState, AnalysisResponse } = Enums.Vulnerability;

const answers: Readonly<Record<Remedy, Models.Vulnerability.OptionalAnalysisProperties>> = {
  'fix-published': response(AnalysisState.Exploitable, AnalysisResponse.Update),
  'no-fix-published': { state: AnalysisState.Exploitable },
  'no-fix-will-come': response(AnalysisState.Exploitable, AnalysisResponse.WillNotFix),
  unknown: { state: AnalysisState.InTriage },
};

function response(state: Enums.Vulnerability.AnalysisState, answer: Enums.Vulnerability.AnalysisResponse) {
  return { state, response: new Enums.Vulnerability.AnalysisResponseRepository([answer]) };
}

/**
 * A CycloneDX 1.6 document with the vulnerabilities of an image (VEX): "exploitable" stands for what VEX calls affected,
 * because nobody has looked whether the machine uses the code. What is not known is in properties `coldpatch:unknown`.
 */
export function cycloneDxVex(scan: Scan): string {
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${randomUUID()}`, version: 1 });
  bom.metadata.timestamp = new Date(scan.scannedAt);
  bom.metadata.tools.components.add(new Models.Component(Enums.ComponentType.Application, 'coldpatch'));
  bom.metadata.component = new Models.Component(Enums.ComponentType.File, basename(scan.image), {
    bomRef: 'image',
    properties: new Models.PropertyRepository([
      ...scan.gaps.map(
        ({ where, reason, detail }) => new Models.Property('coldpatch:gap', `${where}: ${reason}: ${detail}`),
      ),
      ...scan.unknown.map(
        ({ where, detail }) => new Models.Property('coldpatch:unknown', `${where}: ${detail}`),
      ),
    ]),
  });
  const affected = new Map<string, { vulnerability: Vulnerability; packages: PackageExposure[] }>();
  for (const entry of scan.packages) {
    const purl = urlOfExposed(entry, scan.operatingSystem);
    bom.components.add(
      new Models.Component(Enums.ComponentType.Library, entry.name, {
        bomRef: purl,
        version: entry.installed,
        purl,
      }),
    );
    for (const vulnerability of entry.vulnerabilities) {
      // The same number may be repaired in one package and open in another.
      const key = `${vulnerability.id} ${vulnerability.remedy}`;
      const known = affected.get(key) ?? { vulnerability, packages: [] };
      known.packages.push(entry);
      affected.set(key, known);
    }
  }
  for (const { vulnerability, packages } of affected.values())
    bom.vulnerabilities.add(vulnerabilityOf(vulnerability, packages, scan));
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function vulnerabilityOf(
  vulnerability: Vulnerability,
  packages: readonly PackageExposure[],
  { operatingSystem }: Scan,
): Models.Vulnerability.Vulnerability {
  const { id, severity, exploitedSince, exploitProbability, remedy, summary, statedBy, note } = vulnerability;
  const property = (name: string, value: string | number | null): Models.Property[] =>
    value === null ? [] : [new Models.Property(`coldpatch:${name}`, String(value))];
  return new Models.Vulnerability.Vulnerability({
    id,
    ...(summary !== null && { description: summary }),
    ratings: new Models.Vulnerability.RatingRepository([
      new Models.Vulnerability.Rating({ severity: Enums.Vulnerability.Severity[severityNames[severity]] }),
    ]),
    analysis: new Models.Vulnerability.Analysis({
      ...answers[remedy],
      ...(note !== null && { detail: note }),
    }),
    affects: new Models.Vulnerability.AffectRepository(
      packages.map(
        (entry) => new Models.Vulnerability.Affect(new Models.BomRef(urlOfExposed(entry, operatingSystem))),
      ),
    ),
    properties: new Models.PropertyRepository([
      ...property('exploited-since', exploitedSince),
      ...property('exploit-probability', exploitProbability),
      ...statedBy.flatMap((words) => property('stated-by', words)),
    ]),
  });
}

const severityNames = {
  critical: 'Critical',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  unknown: 'Unknown',
} as const;
