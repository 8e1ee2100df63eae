import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { knownContents } from '../src/disk/filesystems/recognise.ts';
import { filesystemFormats } from '../src/disk/filesystems/registry.ts';
import { knownImageFormats } from '../src/disk/image-formats/recognise.ts';
import { imageFormats } from '../src/disk/image-formats/registry.ts';
import { partitionTableFormats } from '../src/disk/partition-tables/registry.ts';
import { volumeManagers } from '../src/disk/volume-managers/registry.ts';
import { operatingSystems } from '../src/guest/operating-systems/registry.ts';
import { packageManagers } from '../src/guest/package-managers/registry.ts';
import { versionings } from '../src/guest/versioning/registry.ts';
import { advisoryFormats } from '../src/upgrades/advisories/registry.ts';

interface Family {
  readonly title: string;
  /** Below src/. */
  readonly folder: string;
  readonly adapters: readonly { readonly id: string }[];
}

const families: readonly Family[] = [
  { title: 'Image formats', folder: 'disk/image-formats', adapters: imageFormats },
  { title: 'Partition tables', folder: 'disk/partition-tables', adapters: partitionTableFormats },
  { title: 'Volume managers', folder: 'disk/volume-managers', adapters: volumeManagers },
  { title: 'Filesystems', folder: 'disk/filesystems', adapters: filesystemFormats },
  { title: 'Systems', folder: 'guest/operating-systems', adapters: operatingSystems },
  { title: 'Package databases', folder: 'guest/package-managers', adapters: packageManagers },
  { title: 'Version orders', folder: 'guest/versioning', adapters: versionings },
  { title: 'Advisories', folder: 'upgrades/advisories', adapters: advisoryFormats },
];

/** docs/support.md: what each adapter says of itself, and what is known and not read. */
export function supportPage(root: string): string {
  return [
    '# What is read',
    '',
    'Generated from the adapters by `tools/with-node tools/generate-docs.ts`; do not edit.',
    '',
    'What is not read is a gap in the inspection, with its place and its reason. A report with a gap never reads as clean.',
    '',
    '| family | read |',
    '|---|---|',
    ...families.map(({ title, adapters }) => `| ${title} | ${adapters.map(({ id }) => id).join(', ')} |`),
    '',
    ...families.flatMap((family) => [`## ${family.title}`, '', ...chaptersOf(root, family)]),
    readmeOf(root, 'disk/compressed').replace(/^#/gm, '##'),
    '',
    '## Known, and not read',
    '',
    ...new Set([
      ...knownImageFormats.map(({ name }) => `- ${name}`),
      ...knownContents.map(({ reason, detail }) => `- a volume that ${detail} (${reason})`),
    ]),
    '',
  ].join('\n');
}

/** The readme of each adapter, one level of headings down. */
function chaptersOf(root: string, { folder, adapters }: Family): readonly string[] {
  return adapters.flatMap(({ id }) => {
    return [readmeOf(root, `${folder}/${id}`).replace(/^#/gm, '###'), ''];
  });
}

function readmeOf(root: string, folder: string): string {
  return readFileSync(join(root, 'src', folder, 'readme.md'), 'utf8').trimEnd();
}
