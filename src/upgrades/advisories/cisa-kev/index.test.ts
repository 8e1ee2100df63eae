import { expect, test } from 'vitest';
import { expectOnlyRefusals, readFacts, readRecords } from '../advisory-fixture.ts';
import { cisaKev } from './index.ts';

const entry = {
  cveID: 'CVE-2024-1086',
  vendorProject: 'Linux',
  product: 'Kernel',
  vulnerabilityName: 'Linux Kernel Use-After-Free Vulnerability',
  dateAdded: '2024-05-30',
  shortDescription: 'A use after free.',
  requiredAction: 'Apply mitigations.',
  dueDate: '2024-06-20',
  knownRansomwareCampaignUse: 'Unknown',
};
const catalogue = {
  title: 'CISA Catalog of Known Exploited Vulnerabilities',
  catalogVersion: '2024.05.30',
  dateReleased: '2024-05-30T14:00:00.0Z',
  count: 1,
  vulnerabilities: [entry],
};

test('says since when a vulnerability is exploited', async () => {
  expect(await readFacts(cisaKev, JSON.stringify(catalogue))).toEqual([
    {
      vulnerability: 'CVE-2024-1086',
      exploitedSince: '2024-05-30',
      summary: 'Linux Kernel Use-After-Free Vulnerability',
    },
  ]);
});

test.each([
  ['fewer than it announces', { ...catalogue, count: 2 }],
  ['no number of them', { ...catalogue, count: undefined }],
  ['a day that is none', { ...catalogue, vulnerabilities: [{ ...entry, dateAdded: '2024-02-31' }] }],
])('refuses %s', async (_name, value) => {
  await expect(readRecords(cisaKev, JSON.stringify(value))).rejects.toThrow(
    expect.objectContaining({ code: 'advisories_invalid' }),
  );
});

test('an altered catalogue is refused by its own error', () =>
  expectOnlyRefusals(cisaKev, JSON.stringify(catalogue)));
