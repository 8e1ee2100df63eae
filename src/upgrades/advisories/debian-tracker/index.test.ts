import { expect, test } from 'vitest';
import { expectOnlyRefusals, readFacts, readRecords, readStatements } from '../advisory-fixture.ts';
import { debianTracker } from './index.ts';

const release = (fields: object): object => ({ repositories: { bookworm: '1.1-1' }, ...fields });

const feed = JSON.stringify({
  openssl: {
    'CVE-2024-0001': {
      scope: 'remote',
      debianbug: 1_050_000,
      description: 'Out of bounds\n read in X.509 ...',
      releases: {
        bookworm: release({ status: 'resolved', fixed_version: '3.0.11-1~deb12u2', urgency: 'medium**' }),
        bullseye: release({ status: 'resolved', fixed_version: '0', urgency: 'unimportant' }),
        trixie: release({ status: 'open', urgency: 'not yet assigned' }),
        buster: release({ status: 'open', urgency: 'end-of-life' }),
      },
    },
    'TEMP-0000000-ABCDEF': {
      releases: {
        bookworm: release({
          status: 'open',
          urgency: 'low',
          nodsa: 'Minor issue',
          nodsa_reason: 'ignored',
        }),
        bullseye: release({ status: 'open', urgency: 'high', nodsa: 'Minor issue', nodsa_reason: '' }),
        sid: release({ status: 'undetermined', urgency: 'unimportant' }),
        trixie: release({ status: 'resolved' }),
        forky: release({ status: 'invented' }),
      },
    },
  },
});

test('says what the tracker says of each release', async () => {
  const common = { package: 'openssl', packageKind: 'source' };
  const first = { ...common, vulnerability: 'CVE-2024-0001' };
  const second = { ...common, vulnerability: 'TEMP-0000000-ABCDEF' };
  expect(await readStatements(debianTracker, feed)).toEqual([
    {
      ...first,
      release: 'debian:bookworm',
      status: 'fixed',
      fixedVersion: '3.0.11-1~deb12u2',
      severity: 'medium',
    },
    { ...first, release: 'debian:bullseye', status: 'not-affected', severity: 'low' },
    { ...first, release: 'debian:trixie', status: 'open', severity: 'unknown' },
    { ...first, release: 'debian:buster', status: 'will-not-fix', severity: 'unknown' },
    {
      ...second,
      release: 'debian:bookworm',
      status: 'will-not-fix',
      severity: 'low',
      note: 'Minor issue: ignored',
    },
    { ...second, release: 'debian:bullseye', status: 'open', severity: 'high', note: 'Minor issue' },
    { ...second, release: 'debian:sid', status: 'under-investigation', severity: 'low' },
    {
      ...second,
      release: 'debian:trixie',
      status: 'under-investigation',
      severity: 'unknown',
      note: 'the tracker says resolved without a version',
    },
    {
      ...second,
      release: 'debian:forky',
      status: 'under-investigation',
      severity: 'unknown',
      note: 'the tracker says invented without a version',
    },
  ]);
  expect(await readFacts(debianTracker, feed)).toEqual([
    { vulnerability: 'CVE-2024-0001', summary: 'Out of bounds read in X.509 ...' },
  ]);
});

test('reads the same wherever the parts end', async () => {
  expect(await readRecords(debianTracker, feed, 3)).toEqual(await readRecords(debianTracker, feed));
});

test('an altered feed is refused by its own error', () => expectOnlyRefusals(debianTracker, feed));
