import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import type { Inspection } from '../inspection.ts';
import { packageUrl } from './package-url.ts';

/** A CycloneDX 1.6 document (JSON) of the packages in an image. What was not read is in properties named `coldpatch:gap`. */
export function cycloneDx(inspection: Inspection, now: Date): string {
  const { image, operatingSystem, packages, gaps } = inspection;
  const bom = new Models.Bom({ serialNumber: `urn:uuid:${randomUUID()}`, version: 1 });
  bom.metadata.timestamp = now;
  bom.metadata.tools.components.add(new Models.Component(Enums.ComponentType.Application, 'coldpatch'));
  bom.metadata.component = new Models.Component(Enums.ComponentType.File, basename(image.path), {
    bomRef: 'image',
    properties: new Models.PropertyRepository([
      new Models.Property('coldpatch:image-format', image.format),
      ...gaps.map(
        ({ where, reason, detail }) => new Models.Property('coldpatch:gap', `${where}: ${reason}: ${detail}`),
      ),
    ]),
  });
  if (operatingSystem) {
    bom.components.add(
      new Models.Component(Enums.ComponentType.OperatingSystem, operatingSystem.id, {
        bomRef: 'system',
        version: operatingSystem.versionId,
        description: operatingSystem.prettyName,
      }),
    );
  }
  for (const entry of packages) {
    const purl = packageUrl(entry, operatingSystem);
    bom.components.add(
      new Models.Component(Enums.ComponentType.Library, entry.name, {
        bomRef: purl,
        version: entry.version,
        purl,
      }),
    );
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}
