import { PackageURL } from 'packageurl-js';
import { expect, test } from 'vitest';
import type { Inspection } from '../inspection.ts';
import { cycloneDx } from './cyclonedx.ts';
import { packageUrl } from './package-url.ts';
import { spdx } from './spdx.ts';

const debian = { id: 'debian', versionId: '12' } as const;
const now = new Date('2026-11-21T08:00:00.123Z');
const inspection: Inspection = {
  image: {
    path: '/images/till.qcow2',
    format: 'qcow2',
    compression: null,
    virtualSize: 1,
    fileSize: 1,
    chain: [],
  },
  layout: { partitionTable: null, volumes: [] },
  operatingSystem: { ...debian, versionCodename: 'bookworm', prettyName: 'Debian 12', architecture: 'amd64' },
  packages: [
    { name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64', manager: 'dpkg' },
    { name: 'perl', version: '1:5.36.0-7', architecture: 'amd64', manager: 'dpkg' },
  ],
  kernels: [],
  boot: null,
  identity: null,
  state: {
    clean: true,
    hibernated: false,
    lastBootAt: null,
    lastShutdownAt: null,
    lastPackageChangeAt: null,
    pendingOfflineUpdate: false,
    brokenPackages: [],
  },
  gaps: [{ where: 'partition 2', reason: 'encrypted', detail: 'Partition 2 is encrypted.' }],
};

test.each([
  ['dpkg', '1:2.3-4+b1', 'pkg:deb/debian/c%2B%2Blib@1:2.3-4+b1?arch=amd64&distro=debian-12'],
  ['rpm', '1:2.3-4', 'pkg:rpm/debian/c%2B%2Blib@2.3-4?arch=amd64&distro=debian-12&epoch=1'],
  ['rpm', '2.3-4', 'pkg:rpm/debian/c%2B%2Blib@2.3-4?arch=amd64&distro=debian-12'],
  ['apk', '2.3-r4', 'pkg:apk/debian/c%2B%2Blib@2.3-r4?arch=amd64&distro=debian-12'],
  ['pacman', '1:2.3-4', 'pkg:alpm/debian/c%2B%2Blib@1:2.3-4?arch=amd64&distro=debian-12'],
] as const)('%s %s', (manager, version, expected) => {
  const url = packageUrl({ name: 'c++lib', version, architecture: 'amd64', manager }, debian);
  expect(url).toBe(expected);
  expect(PackageURL.fromString(url).name).toBe('c++lib');
});

test.each([
  ['rhel', '9.4', 'rpm', 'pkg:rpm/redhat/bash@5.1-9?arch=x86_64&distro=rhel-9.4'],
  ['rocky', '9.4', 'rpm', 'pkg:rpm/rocky/bash@5.1-9?arch=x86_64&distro=rocky-9.4'],
  ['opensuse-leap', '15.6', 'rpm', 'pkg:rpm/opensuse/bash@5.1-9?arch=x86_64&distro=opensuse-leap-15.6'],
  ['sles', '15.6', 'rpm', 'pkg:rpm/suse/bash@5.1-9?arch=x86_64&distro=sles-15.6'],
  ['alpine', '3.19.1', 'apk', 'pkg:apk/alpine/bash@5.1-9?arch=x86_64&distro=alpine-3.19.1'],
  ['arch', '', 'pacman', 'pkg:alpm/arch/bash@5.1-9?arch=x86_64&distro=arch'],
] as const)('%s %s', (id, versionId, manager, expected) => {
  const entry = { name: 'bash', version: '5.1-9', architecture: 'x86_64', manager };
  expect(packageUrl(entry, { id, versionId })).toBe(expected);
});

test('CycloneDX lists the system, every package, and what was not read', () => {
  const bom = JSON.parse(cycloneDx(inspection, now)) as {
    readonly metadata: { readonly component: { readonly properties: unknown } };
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { component: { name: 'till.qcow2' } },
  });
  expect(bom.components.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'libstdc++6 12.2.0-14+deb12u1',
    'perl 1:5.36.0-7',
    'debian 12',
  ]);
  expect(bom.metadata.component.properties).toContainEqual({
    name: 'coldpatch:gap',
    value: 'partition 2: encrypted: Partition 2 is encrypted.',
  });
});

test('SPDX relates every package to the image, and says what was not read', () => {
  const document = JSON.parse(spdx(inspection, now)) as {
    readonly comment: string;
    readonly packages: readonly { readonly SPDXID: string }[];
    readonly relationships: readonly { readonly relatedSpdxElement: string }[];
  };
  expect(document).toMatchObject({
    spdxVersion: 'SPDX-2.3',
    creationInfo: { created: '2026-11-21T08:00:00Z' },
  });
  expect(document.comment).toContain('partition 2: encrypted');
  const ids = document.packages.map(({ SPDXID }) => SPDXID);
  expect(ids).toHaveLength(3);
  expect(document.relationships.map((relation) => relation.relatedSpdxElement)).toEqual(ids);
});
