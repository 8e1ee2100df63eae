import { describe, expect, test } from 'vitest';
import { versioningOf } from '../../guest/versioning/registry.ts';
import type { Finding, Provenance } from '../advisories/types.ts';
import type { ChangelogEntry } from '../changelogs/parse-changelog.ts';
import type { PackageArrival } from '../types.ts';
import type { Vulnerability } from './exposure.ts';
import { matchPackagesOfImage, type MatchInput } from './match-packages-of-image.ts';
import { type Gate, reachesGate } from './reaches-gate.ts';
import { summarise } from './summarise.ts';

const provenance: Provenance = {
  format: 'debian-tracker',
  source: 'tracker.json',
  digest: 'ab'.repeat(32),
  importedAt: '2026-11-20T00:00:00.000Z',
};

function installed(name: string, version: string, source = name, sourceVersion = version) {
  return {
    manager: 'dpkg',
    name,
    architecture: 'amd64',
    version,
    source: { name: source, version: sourceVersion },
  } as const;
}

function arrival(name: string, from: string | null, to: string, sha256: string): PackageArrival {
  const file = { name, version: to, architecture: 'amd64', uri: '', size: 1, sha256 };
  return {
    name,
    architecture: 'amd64',
    from,
    to,
    file,
    installedSize: undefined,
    suite: 'bookworm-security',
  };
}

function entry(version: string, ...vulnerabilities: readonly string[]): ChangelogEntry {
  return { source: 'tool', version, distributions: 'bookworm', urgency: 'high', date: '', vulnerabilities };
}

function finding(vulnerability: string, rest: Partial<Finding>): Finding {
  return {
    vulnerability,
    status: 'open',
    severity: 'medium',
    advisories: [],
    provenance: [provenance],
    ...rest,
  };
}

function match(input: Partial<MatchInput>) {
  return matchPackagesOfImage({
    installed: [],
    arrivals: [],
    changelogs: new Map(),
    advisories: { findingsOf: () => [], factOf: () => undefined },
    versioning: versioningOf('deb'),
    ...input,
  });
}

describe('matching', () => {
  test('a package shares the changelog of another one of its source', () => {
    const packages = match({
      installed: [
        installed('tool', '1-1'),
        installed('libtool', '1-1+b2', 'tool', '1-1'),
        installed('other', '5'),
      ],
      arrivals: [arrival('tool', '1-1', '1-3', 'a'), arrival('libtool', '1-1+b2', '1-3', 'b')],
      changelogs: new Map([
        ['a', [entry('1-3', 'CVE-2026-2'), entry('1-2', 'CVE-2026-1'), entry('1-1', 'CVE-2025-9')]],
      ]),
    });
    expect(
      packages.map(({ name, available, changesKnown, vulnerabilities }) => [
        name,
        available,
        changesKnown,
        vulnerabilities.map(({ id, fixedVersion, remedy }) => [id, fixedVersion, remedy]),
      ]),
    ).toEqual(
      ['libtool', 'tool'].map((name) => [
        name,
        '1-3',
        true,
        [
          ['CVE-2026-2', '1-3', 'fix-published'],
          ['CVE-2026-1', '1-2', 'fix-published'],
        ],
      ]),
    );
    expect(packages[0]?.vulnerabilities[0]?.statedBy).toEqual(['changelog of tool 1-3']);
  });

  test('what could not be learnt is not clean', () => {
    const input = { installed: [installed('tool', '1-1')], arrivals: [arrival('tool', '1-1', '1-3', 'a')] };
    expect(match(input)).toMatchObject([{ changesKnown: false, vulnerabilities: [] }]);
    expect(match({ ...input, changelogs: undefined })).toMatchObject([{ changesKnown: false }]);
    expect(match({ ...input, changelogs: new Map([['a', [entry('1-3', 'CVE-2026-2')]]]) })).toMatchObject([
      { changesKnown: false, vulnerabilities: [{ id: 'CVE-2026-2' }] },
    ]);
  });

  test('advisories add what no upgrade repairs, and grade what it does', () => {
    const packages = match({
      installed: [installed('tool', '1-1')],
      arrivals: [arrival('tool', '1-1', '1-3', 'a')],
      changelogs: new Map([['a', [entry('1-3', 'CVE-2026-2', 'CVE-2026-7'), entry('1-1')]]]),
      advisories: {
        findingsOf: () => [
          finding('CVE-2026-2', {
            status: 'fixed',
            fixedVersion: '1-2',
            severity: 'high',
            exploitedSince: '2026-10-01',
          }),
          finding('CVE-2026-5', { status: 'will-not-fix', note: 'minor issue' }),
          finding('CVE-2026-6', { severity: 'critical' }),
        ],
        factOf: (id) =>
          id === 'CVE-2026-7' ? { vulnerability: id, severity: 'low', exploitProbability: 0.5 } : undefined,
      },
    });
    expect(packages[0]?.vulnerabilities).toMatchObject([
      {
        id: 'CVE-2026-2',
        severity: 'high',
        fixedVersion: '1-2',
        exploitedSince: '2026-10-01',
        remedy: 'fix-published',
        statedBy: [expect.stringContaining('tracker.json'), 'changelog of tool 1-3'],
      },
      { id: 'CVE-2026-6', severity: 'critical', remedy: 'no-fix-published' },
      { id: 'CVE-2026-5', remedy: 'no-fix-will-come', note: 'minor issue', fixedVersion: null },
      { id: 'CVE-2026-7', severity: 'low', exploitProbability: 0.5, remedy: 'fix-published' },
    ]);
  });

  test('a vulnerability of several packages counts once', () => {
    const packages = match({
      installed: [installed('a', '1'), installed('b', '1')],
      advisories: {
        findingsOf: ({ name }) => [finding('CVE-2026-1', { severity: name === 'a' ? 'unknown' : 'high' })],
        factOf: () => undefined,
      },
    });
    expect(summarise(packages)).toEqual({
      lagging: 0,
      vulnerabilities: { total: 1, exploited: 0, critical: 0, high: 1, medium: 0, low: 0, unknown: 0 },
    });
  });
});

describe('a gate', () => {
  const vulnerability = (rest: Partial<Vulnerability>): Vulnerability => ({
    id: 'CVE-2026-1',
    severity: 'low',
    exploitedSince: null,
    exploitProbability: null,
    remedy: 'fix-published',
    fixedVersion: '2',
    fixedAt: null,
    summary: null,
    note: null,
    statedBy: [],
    ...rest,
  });
  const exposed = (...vulnerabilities: readonly Vulnerability[]) => [
    {
      name: 'a',
      architecture: 'all',
      manager: 'dpkg',
      installed: '1',
      source: 'a',
      available: '2',
      lagsSince: null,
      changesKnown: true,
      vulnerabilities,
    } as const,
  ];

  test.each<readonly [Gate, Partial<Vulnerability>, boolean]>([
    ['any', {}, true],
    ['low', {}, true],
    ['medium', {}, false],
    ['medium', { severity: 'high' }, true],
    ['critical', { severity: 'high' }, false],
    ['critical', { severity: 'unknown' }, true],
    ['kev', { severity: 'critical' }, false],
    ['kev', { exploitedSince: '2026-01-01' }, true],
  ])('%s against %o: %s', (gate, rest, reached) => {
    expect(reachesGate(gate, { packages: exposed(vulnerability(rest)), exploitedKnown: true })).toBe(reached);
  });

  test('does not pass what it cannot judge', () => {
    expect(reachesGate('kev', { packages: exposed(vulnerability({})), exploitedKnown: false })).toBe(true);
    const unread = exposed().map((entry) => ({ ...entry, changesKnown: false }));
    expect(reachesGate('critical', { packages: unread, exploitedKnown: true })).toBe(true);
    expect(reachesGate('any', { packages: [], exploitedKnown: false })).toBe(false);
    expect(reachesGate('high', { packages: exposed(), exploitedKnown: true })).toBe(false);
  });
});
