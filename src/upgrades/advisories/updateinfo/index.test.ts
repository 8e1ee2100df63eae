import { expect, test } from 'vitest';
import { expectOnlyRefusals, readRecords, readStatements } from '../advisory-fixture.ts';
import { updateinfo } from './index.ts';
import { releaseOfUpdate } from './release-of-update.ts';

function update(type: string, id: string, parts: string): string {
  return `<update from="security@example.org" status="final" type="${type}" version="1.4">
    <id>${id}</id><title>Important: kernel &amp; co</title><issued date="2024-06-01 00:00:00"/>
    <severity>Important</severity><description>Long.</description>${parts}</update>`;
}

const references = `<references>
  <reference href="https://example.org/1" id="CVE-2024-1086" type="cve" title="CVE-2024-1086"/>
  <reference href="https://example.org/2" id="2262126" type="bugzilla" title="CVE-2024-26642 kernel: flaw"/>
</references>`;
const packages = `<pkglist><collection short="rocky-9-baseos"><name>Rocky Linux 9 - BaseOS</name>
  <package arch="x86_64" epoch="0" name="kernel" release="427.20.1.el9_4" src="kernel.src.rpm" version="5.14.0">
    <filename>kernel.rpm</filename><sum type="sha256">00</sum></package>
  <package arch="aarch64" epoch="0" name="kernel" release="427.20.1.el9_4" version="5.14.0"/>
  <package arch="x86_64" epoch="2" name="bpftool" release="427.20.1.el9_4" version="7.3.0"/>
</collection></pkglist>`;

const feed = `<?xml version="1.0" encoding="UTF-8"?>
<updates>
${update('security', 'RLSA-2024:4211', references + packages)}
${update('bugfix', 'RLBA-2024:1', references + packages)}
${update('security', 'RLSA-2024:4300', packages)}
</updates>
`;

test('says from which version on each package is fixed, whatever the architectures', async () => {
  const common = { release: 'rocky:9', packageKind: 'binary', status: 'fixed', severity: 'high' };
  const kernel = { ...common, package: 'kernel', fixedVersion: '5.14.0-427.20.1.el9_4' };
  const tool = { ...common, package: 'bpftool', fixedVersion: '2:7.3.0-427.20.1.el9_4' };
  const advisory = 'RLSA-2024:4211';
  expect(await readStatements(updateinfo, feed)).toEqual([
    { ...kernel, advisory, vulnerability: 'CVE-2024-1086' },
    { ...kernel, advisory, vulnerability: 'CVE-2024-26642' },
    { ...tool, advisory, vulnerability: 'CVE-2024-1086' },
    { ...tool, advisory, vulnerability: 'CVE-2024-26642' },
    { ...kernel, vulnerability: 'RLSA-2024:4300' },
    { ...tool, vulnerability: 'RLSA-2024:4300' },
  ]);
});

test('reads the same wherever the parts end', async () => {
  const text = feed.replace('Long.', 'Lång € 𝄞');
  expect(await readRecords(updateinfo, text, 1)).toEqual(await readRecords(updateinfo, text));
});

test('a list without security updates says nothing', async () => {
  expect(await readRecords(updateinfo, '<updates></updates>')).toEqual([]);
});

test.each([
  ['another document', '<metadata/>'],
  ['an end too early', feed.slice(0, 600)],
  ['a document type', '<!DOCTYPE updates [<!ENTITY x "x">]><updates/>'],
  ['an entity of nobody', '<updates><update type="security"><id>&boom;</id></update></updates>'],
  ['a great depth', `<updates>${'<a>'.repeat(20)}`],
  ['a text that never ends', `<updates><update type="security"><id>${'x'.repeat(2_200_000)}`],
  ['a tag that never ends', `<updates><update type="${'x'.repeat(2_200_000)}`],
  ['a comment that never ends', `<updates><!--${'x'.repeat(2_200_000)}`],
  ['nothing but other distributions', feed.replaceAll('RLSA', 'XYZ')],
])('refuses %s', async (_name, text) => {
  await expect(readRecords(updateinfo, text)).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

const nothing = {
  id: '',
  title: '',
  severity: '',
  release: '',
  references: [],
  collections: [],
  packages: [],
};
const packageOf = (release: string): object => ({
  packages: [{ name: 'x', epoch: '0', version: '1', release }],
});

test.each([
  [{ id: 'RHSA-2024:1', ...packageOf('3.el8_9') }, 'rhel:8'],
  [{ id: 'RHSA-2024:2', ...packageOf('1.module+el8.9.0+1') }, 'rhel:8'],
  [{ id: 'ALSA-2024:1', ...packageOf('1.el9_4.alma.1') }, 'almalinux:9'],
  [{ id: 'ELSA-2024-1', ...packageOf('1.0.1.el7') }, 'ol:7'],
  [{ id: 'FEDORA-2024-aaaa', ...packageOf('1.fc40') }, 'fedora:40'],
  [{ id: 'FEDORA-EPEL-2024-aaaa', ...packageOf('1.el9') }, undefined],
  [{ id: 'ALAS2023-2024-1', ...packageOf('1.amzn2023.0.1') }, 'amzn:2023'],
  [{ id: 'openSUSE-2024-1', release: 'openSUSE Leap 15.5' }, 'opensuse-leap:15.5'],
  [
    { id: 'SUSE-SLE-Module-Basesystem-15-SP5-2024-1', release: 'SUSE Linux Enterprise Server 15 SP5' },
    'sles:15.5',
  ],
  [{ id: 'SUSE-2024-1', collections: ['SLE-Module-Basesystem-15-SP6'] }, 'sles:15.6'],
  [{ id: 'RHSA-2024:3', ...packageOf('1') }, undefined],
])('%j is of %s', (fields, release) => {
  expect(releaseOfUpdate({ ...nothing, ...fields })).toBe(release);
});

test('an altered list is refused by its own error', () => expectOnlyRefusals(updateinfo, feed));
