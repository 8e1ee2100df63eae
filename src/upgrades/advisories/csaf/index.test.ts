import { expect, test } from 'vitest';
import { expectOnlyRefusals, readFacts, readRecords, readStatements } from '../advisory-fixture.ts';
import { csaf } from './index.ts';
import { packageOfPurl } from './package-of-purl.ts';

const platform = (id: string, cpe: string): object => ({
  category: 'product_name',
  name: id,
  product: { name: id, product_id: id, product_identification_helper: { cpe } },
});
const component = (id: string, purl: string): object => ({
  category: 'product_version',
  name: id,
  product: { name: id, product_id: id, product_identification_helper: { purl } },
});
const relation = (part: string, whole: string): object => ({
  category: 'default_component_of',
  full_product_name: { name: `${part} of ${whole}`, product_id: `${whole}:${part}` },
  product_reference: part,
  relates_to_product_reference: whole,
});

const document = {
  aggregate_severity: { namespace: 'https://access.redhat.com/', text: 'Moderate' },
  category: 'csaf_vex',
  csaf_version: '2.0',
  title: 'kernel: a flaw',
  tracking: { id: 'CVE-2024-1086', status: 'final', version: '1' },
};

const productTree = {
  branches: [
    {
      category: 'vendor',
      name: 'Red Hat',
      branches: [
        {
          category: 'product_family',
          name: 'Red Hat Enterprise Linux',
          branches: [
            platform('BaseOS-9.4', 'cpe:/o:redhat:enterprise_linux:9::baseos'),
            platform('EUS-9.2', 'cpe:/o:redhat:rhel_eus:9.2::baseos'),
            platform('rhel_8', 'cpe:/o:redhat:enterprise_linux:8'),
          ],
        },
        component('kernel.x86_64', 'pkg:rpm/redhat/kernel@5.14.0-427.el9?arch=x86_64&epoch=1'),
        component('kernel.aarch64', 'pkg:rpm/redhat/kernel@5.14.0-427.el9?arch=aarch64&epoch=1'),
        component('kernel.src', 'pkg:rpm/redhat/kernel@5.14.0-427.el9?arch=src'),
        component('kernel', 'pkg:rpm/redhat/kernel?arch=src'),
        component('kernel-rt', 'pkg:rpm/redhat/kernel-rt?arch=src'),
        component('perf', 'pkg:rpm/redhat/perf'),
        component('odd', 'pkg:rpm/redhat/odd'),
      ],
    },
  ],
  relationships: [
    relation('kernel.x86_64', 'BaseOS-9.4'),
    relation('kernel.aarch64', 'BaseOS-9.4'),
    relation('kernel.src', 'BaseOS-9.4'),
    relation('kernel.src', 'EUS-9.2'),
    relation('kernel', 'rhel_8'),
    relation('kernel-rt', 'rhel_8'),
    relation('perf', 'rhel_8'),
    relation('odd', 'rhel_8'),
  ],
};

const vulnerability = {
  cve: 'CVE-2024-1086',
  title: 'kernel: a flaw',
  product_status: {
    fixed: [
      'BaseOS-9.4:kernel.x86_64',
      'BaseOS-9.4:kernel.aarch64',
      'BaseOS-9.4:kernel.src',
      'EUS-9.2:kernel.src',
    ],
    known_affected: ['rhel_8:kernel', 'rhel_8:kernel-rt'],
    known_not_affected: ['rhel_8:perf', 'nobody'],
    under_investigation: ['rhel_8:odd'],
  },
  remediations: [
    { category: 'vendor_fix', details: 'Update.', product_ids: ['BaseOS-9.4:kernel.src'] },
    { category: 'none_available', details: 'Fix deferred', product_ids: ['rhel_8:kernel'] },
    { category: 'no_fix_planned', details: 'Out of support scope', product_ids: ['rhel_8:kernel-rt'] },
  ],
  threats: [{ category: 'impact', details: 'Important', product_ids: ['BaseOS-9.4:kernel.src'] }],
  scores: [{ products: ['rhel_8:kernel'], cvss_v3: { baseScore: 9.8, baseSeverity: 'CRITICAL' } }],
};

const vex = { document, product_tree: productTree, vulnerabilities: [vulnerability] };

const openvex = {
  '@context': 'https://openvex.dev/ns/v0.2.0',
  '@id': 'https://example.org/vex',
  author: 'Canonical',
  statements: [
    {
      vulnerability: { '@id': 'https://ubuntu.com/security/CVE-2024-1086', name: 'CVE-2024-1086' },
      products: [
        { '@id': 'pkg:deb/ubuntu/linux@5.15.0-101.111?arch=source&distro=jammy' },
        { '@id': 'pkg:deb/ubuntu/linux-image@5.15.0-101.111?arch=amd64&distro=jammy' },
      ],
      status: 'fixed',
    },
    {
      vulnerability: { name: 'CVE-2024-1086' },
      products: [{ '@id': 'pkg:deb/ubuntu/linux@6.8.0-1?arch=source&distro=noble' }],
      status: 'affected',
      action_statement: 'deferred',
    },
    {
      vulnerability: { name: 'CVE-2024-1086' },
      products: [{ '@id': 'pkg:deb/ubuntu/linux@4.4?arch=source&distro=xenial' }],
      status: 'not_affected',
      justification: 'vulnerable_code_not_present',
    },
    {
      vulnerability: { name: 'CVE-2024-1086' },
      products: [{ '@id': 'pkg:deb/ubuntu/linux@4.4?arch=source&distro=focal' }, { '@id': 'nonsense' }],
      status: 'under_investigation',
    },
  ],
};

const redHat = [
  {
    release: 'rhel:9',
    package: 'kernel',
    packageKind: 'binary',
    status: 'fixed',
    fixedVersion: '1:5.14.0-427.el9',
    severity: 'medium',
  },
  {
    release: 'rhel:9',
    package: 'kernel',
    packageKind: 'source',
    status: 'fixed',
    fixedVersion: '5.14.0-427.el9',
    severity: 'high',
  },
  {
    release: 'rhel:8',
    package: 'kernel',
    packageKind: 'source',
    status: 'open',
    note: 'Fix deferred',
    severity: 'critical',
  },
  {
    release: 'rhel:8',
    package: 'kernel-rt',
    packageKind: 'source',
    status: 'will-not-fix',
    note: 'Out of support scope',
    severity: 'medium',
  },
  { release: 'rhel:8', package: 'perf', packageKind: 'binary', status: 'not-affected', severity: 'medium' },
  {
    release: 'rhel:8',
    package: 'odd',
    packageKind: 'binary',
    status: 'under-investigation',
    severity: 'medium',
  },
].map((statement) => ({ ...statement, vulnerability: 'CVE-2024-1086' }));

test('says what a document of Red Hat says of each product', async () => {
  const text = JSON.stringify(vex);
  expect(await readStatements(csaf, text)).toEqual(redHat);
  expect(await readFacts(csaf, text)).toEqual([
    { vulnerability: 'CVE-2024-1086', summary: 'kernel: a flaw' },
  ]);
});

test('the parts of a document may come in any order', async () => {
  const text = JSON.stringify({ vulnerabilities: [vulnerability], product_tree: productTree, document });
  expect(await readStatements(csaf, text)).toEqual(redHat);
});

test('an advisory is named beside the vulnerability', async () => {
  const advisory = { ...document, category: 'csaf_security_advisory', tracking: { id: 'RHSA-2024:1' } };
  const statements = await readStatements(csaf, JSON.stringify({ ...vex, document: advisory }));
  expect(statements).toEqual(redHat.map((statement) => ({ ...statement, advisory: 'RHSA-2024:1' })));
});

test('reads what Ubuntu says as OpenVEX', async () => {
  const common = {
    package: 'linux',
    packageKind: 'source',
    vulnerability: 'CVE-2024-1086',
    severity: 'unknown',
  };
  const fixed = { ...common, release: 'ubuntu:jammy', status: 'fixed', fixedVersion: '5.15.0-101.111' };
  expect(await readStatements(csaf, JSON.stringify(openvex))).toEqual([
    fixed,
    { ...fixed, package: 'linux-image', packageKind: 'binary' },
    { ...common, release: 'ubuntu:noble', status: 'open', note: 'deferred' },
    { ...common, release: 'ubuntu:xenial', status: 'not-affected' },
    { ...common, release: 'ubuntu:focal', status: 'under-investigation' },
  ]);
});

test('reads documents after each other, each with its own products', async () => {
  const other = { ...vex, product_tree: { branches: [] } };
  const text = [vex, openvex, other, vex].map((one) => JSON.stringify(one)).join('\n');
  const statements = await readStatements(csaf, text);
  expect(statements).toHaveLength(2 * redHat.length + 5);
  expect(statements.slice(-redHat.length)).toEqual(redHat);
});

test('products that relate to each other in a ring are nothing', async () => {
  const ring = { relationships: [relation('a', 'b:c'), relation('c', 'b'), relation('b:a', 'b:c')] };
  const status = { product_status: { known_affected: ['b:c:a', 'b:c:b:a'] } };
  const text = JSON.stringify({
    document,
    product_tree: ring,
    vulnerabilities: [{ cve: 'CVE-1', ...status }],
  });
  expect(await readStatements(csaf, text)).toEqual([]);
});

test.each([
  ['another version', { ...vex, document: { ...document, csaf_version: '1.0' } }],
  ['no version', { product_tree: productTree, vulnerabilities: [vulnerability] }],
  ['statements of nobody', { statements: openvex.statements }],
  ['another context', { ...openvex, '@context': 'https://example.org' }],
  ['an unknown status', { ...openvex, statements: [{ ...openvex.statements[0], status: 'perhaps' }] }],
  ['products that are none', { ...vex, product_tree: { branches: [{ product: 1 }] } }],
])('refuses %s', async (_name, value) => {
  await expect(readRecords(csaf, JSON.stringify(value))).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

test.each([
  ['pkg:deb/debian/curl@7.88.1-10?arch=source&distro=debian-12', 'debian:12', 'source', '7.88.1-10'],
  ['pkg:deb/ubuntu/curl@7.81.0-1?arch=amd64&distro=ubuntu-22.04', 'ubuntu:22.04', 'binary', '7.81.0-1'],
  ['pkg:deb/ubuntu/bind9@1%3A9.18?distro=esm-infra/xenial', 'ubuntu:xenial', 'source', '1:9.18'],
  ['pkg:apk/alpine/zlib@1.3-r0?distro=3.19.1', 'alpine:3.19', 'source', '1.3-r0'],
])('%s is of %s', (purl, release, packageKind, version) => {
  expect(packageOfPurl(purl, [])).toMatchObject({ release, packageKind, version });
});

test.each([
  'pkg:npm/left-pad@1',
  'pkg:deb/debian/curl',
  'pkg:rpm/redhat/kernel',
  'curl',
  `pkg:deb/${'x'.repeat(3000)}`,
])('%s is no package that we know', (purl) => {
  expect(packageOfPurl(purl, [])).toBeUndefined();
});

test('an altered document is refused by its own error', async () => {
  await expectOnlyRefusals(csaf, JSON.stringify(vex));
  await expectOnlyRefusals(csaf, JSON.stringify(openvex));
});
