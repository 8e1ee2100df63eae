import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { Inspection } from '../inspection.ts';
import { packageUrl } from './package-url.ts';

/** An SPDX 2.3 document (JSON) of the packages in an image. What was not read is in the document's comment. */
export function spdx(inspection: Inspection, now: Date): string {
  const { image, operatingSystem, packages, gaps } = inspection;
  const name = basename(image.path);
  const described = {
    SPDXID: 'SPDXRef-image',
    name,
    packageFileName: name,
    primaryPackagePurpose: 'FILE',
    ...unsaid,
    filesAnalyzed: false,
  };
  const found = packages.map((entry, index) => ({
    SPDXID: `SPDXRef-package-${index + 1}`,
    name: entry.name,
    versionInfo: entry.version,
    ...unsaid,
    filesAnalyzed: false,
    externalRefs: [
      {
        referenceCategory: 'PACKAGE-MANAGER',
        referenceType: 'purl',
        referenceLocator: packageUrl(entry, operatingSystem),
      },
    ],
  }));
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `urn:uuid:${randomUUID()}`,
    creationInfo: { created: `${now.toISOString().slice(0, 19)}Z`, creators: ['Tool: coldpatch'] },
    ...(gaps.length > 0 && {
      comment: `Not everything was read:\n${gaps.map(({ where, reason, detail }) => `${where}: ${reason}: ${detail}`).join('\n')}`,
    }),
    packages: [described, ...found],
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', described.SPDXID),
      ...found.map(({ SPDXID }) => relation(described.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** What an image says nothing of. */
const unsaid = {
  downloadLocation: 'NOASSERTION',
  licenseConcluded: 'NOASSERTION',
  licenseDeclared: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
} as const;

function relation(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
