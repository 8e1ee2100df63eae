import { expect, test } from 'vitest';
import { expectOnlyRefusals, readFacts, readRecords, readStatements } from '../advisory-fixture.ts';
import { osv } from './index.ts';
import { releaseOfEcosystem } from './release-of-ecosystem.ts';

const advisory = {
  schema_version: '1.6.0',
  id: 'DSA-5724-1',
  modified: '2024-07-01T00:00:00Z',
  summary: 'openssh - security update',
  upstream: ['CVE-2024-6387', 'CVE-2024-6409'],
  related: ['CVE-1999-0001'],
  affected: [
    {
      package: { ecosystem: 'Debian:12', name: 'openssh', purl: 'pkg:deb/debian/openssh?arch=source' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1:9.2p1-2+deb12u3' }] }],
      versions: ['1:9.2p1-2'],
      ecosystem_specific: { urgency: 'high' },
    },
    { package: { ecosystem: 'PyPI', name: 'openssh' }, versions: ['1'] },
  ],
};

const vulnerability = {
  id: 'UBUNTU-CVE-2023-1',
  details: 'A flaw.',
  severity: [
    { type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' },
    { type: 'Ubuntu', score: 'low' },
  ],
  affected: [
    {
      package: { ecosystem: 'Ubuntu:22.04:LTS', name: 'curl' },
      ranges: [
        { type: 'GIT', events: [{ introduced: '0' }] },
        {
          type: 'ECOSYSTEM',
          events: [
            { introduced: '7.0' },
            { fixed: '7.5' },
            { introduced: '8.0' },
            { last_affected: '8.2' },
            { introduced: '9.0' },
          ],
        },
      ],
    },
    { package: { ecosystem: 'Ubuntu:Pro:18.04:LTS', name: 'curl' }, ranges: [], versions: ['7.1'] },
  ],
};

const alpine = {
  id: 'ALPINE-CVE-2022-1',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'Alpine:v3.19', name: 'zlib' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.2.12-r2' }] }],
    },
  ],
};

test('an advisory says of each of its vulnerabilities from which version on it is fixed', async () => {
  const common = {
    release: 'debian:12',
    package: 'openssh',
    packageKind: 'source',
    advisory: 'DSA-5724-1',
    status: 'fixed',
    fixedVersion: '1:9.2p1-2+deb12u3',
    severity: 'high',
  };
  expect(await readStatements(osv, JSON.stringify(advisory))).toEqual([
    { ...common, vulnerability: 'CVE-2024-6387' },
    { ...common, vulnerability: 'CVE-2024-6409' },
  ]);
});

test('ranges open and close by their events, and the distribution grades', async () => {
  const common = { package: 'curl', packageKind: 'source', vulnerability: 'CVE-2023-1', severity: 'low' };
  const text = JSON.stringify({ ...vulnerability, id: 'UBUNTU-CVE-2023-0001' });
  const numbered = { ...common, vulnerability: 'CVE-2023-0001' };
  expect(await readStatements(osv, text)).toEqual([
    { ...numbered, release: 'ubuntu:22.04', status: 'fixed', fixedVersion: '7.5', introducedVersion: '7.0' },
    {
      ...numbered,
      release: 'ubuntu:22.04',
      status: 'open',
      lastAffectedVersion: '8.2',
      introducedVersion: '8.0',
    },
    { ...numbered, release: 'ubuntu:22.04', status: 'open', introducedVersion: '9.0' },
    {
      ...numbered,
      release: 'ubuntu:18.04',
      status: 'under-investigation',
      note: 'the feed names no range of versions',
    },
  ]);
  expect(await readFacts(osv, text)).toEqual([{ vulnerability: 'CVE-2023-0001', summary: 'A flaw.' }]);
});

test('one object, an array, one a line and one after the other say the same', async () => {
  const all = [advisory, alpine];
  const array = await readRecords(osv, JSON.stringify(all, undefined, 1));
  expect(array).toHaveLength(3);
  expect(await readRecords(osv, all.map((one) => `${JSON.stringify(one)}\n`).join(''))).toEqual(array);
  expect(await readRecords(osv, all.map((one) => JSON.stringify(one)).join(''), 5)).toEqual(array);
  const [statement] = await readStatements(osv, JSON.stringify(alpine));
  expect(statement).toMatchObject({
    release: 'alpine:3.19',
    severity: 'critical',
    fixedVersion: '1.2.12-r2',
  });
});

test('what was withdrawn says nothing', async () => {
  const text = JSON.stringify({ ...advisory, withdrawn: '2024-08-01T00:00:00Z' });
  expect(await readRecords(osv, text)).toEqual([]);
});

test.each([
  ['Debian:12', 'debian:12', 'source'],
  ['Ubuntu:24.04', 'ubuntu:24.04', 'source'],
  ['Ubuntu:24.04:LTS', 'ubuntu:24.04', 'source'],
  ['Ubuntu:Pro:FIPS-updates:22.04:LTS', 'ubuntu:22.04', 'source'],
  ['Alpine:v3.19', 'alpine:3.19', 'source'],
  ['Red Hat:enterprise_linux:9::appstream', 'rhel:9', 'binary'],
  ['Rocky Linux:9', 'rocky:9', 'source'],
  ['AlmaLinux:8', 'almalinux:8', 'binary'],
  ['SUSE:Linux Enterprise Server 15 SP5', 'sles:15.5', 'source'],
  ['SUSE:Linux Enterprise Server 12 SP5-LTSS', 'sles:12.5', 'source'],
  ['SUSE:Linux Enterprise Module for Basesystem 15 SP6', 'sles:15.6', 'source'],
  ['openSUSE:Leap 15.5', 'opensuse-leap:15.5', 'source'],
  ['openSUSE:Tumbleweed', 'opensuse-tumbleweed:rolling', 'source'],
])('%s is %s', (ecosystem, release, packageKind) => {
  expect(releaseOfEcosystem(ecosystem)).toMatchObject({ release, packageKind });
});

test.each([
  'Debian',
  'PyPI',
  'Red Hat:rhel_eus:9.2::baseos',
  'Alpine',
  'Ubuntu:',
  `Debian:${'1'.repeat(300)}`,
])('%s is passed over', (ecosystem) => {
  expect(releaseOfEcosystem(ecosystem)).toBeUndefined();
});

test('an altered feed is refused by its own error', () =>
  expectOnlyRefusals(osv, JSON.stringify([advisory, vulnerability])));
