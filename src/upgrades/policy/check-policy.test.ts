import { expect, test } from 'vitest';
import type { PackageExposure, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';
import { summarise } from '../matching/summarise.ts';
import { checkPolicy } from './check-policy.ts';
import { type Policy, policySchema } from './policy-schema.ts';

const now = new Date('2026-11-21T12:00:00Z');

function vulnerability(rest: Partial<Vulnerability>): Vulnerability {
  return {
    id: 'CVE-2026-1',
    severity: 'high',
    exploitedSince: null,
    exploitProbability: null,
    remedy: 'fix-published',
    fixedVersion: '2',
    fixedAt: '2026-11-11T12:00:00.000Z',
    summary: null,
    note: null,
    statedBy: [],
    ...rest,
  };
}

function scan(vulnerabilities: readonly Vulnerability[], rest: Partial<PackageExposure> = {}): Scan {
  const entry: PackageExposure = {
    name: 'tool',
    architecture: 'all',
    manager: 'dpkg',
    installed: '1',
    source: 'tools',
    available: '2',
    lagsSince: '2026-11-01T12:00:00.000Z',
    changesKnown: true,
    vulnerabilities,
    ...rest,
  };
  return {
    schema: 1,
    image: '/image',
    scannedAt: now.toISOString(),
    operatingSystem: {
      id: 'debian',
      versionId: '11',
      versionCodename: 'bullseye',
      prettyName: 'Debian',
      architecture: 'amd64',
    },
    support: { status: 'ended', until: '2026-08-31', source: '' },
    packages: [entry],
    summary: summarise([entry]),
    unknown: [],
    repositories: [],
    feeds: [{ format: 'cisa-kev', source: 'kev.json', digest: '', importedAt: '' }],
    gaps: [],
  };
}

function policy(rule: Policy['rules'][number], ...exceptions: Policy['exceptions']): Policy {
  return policySchema.parse({ rules: [rule], exceptions });
}

const exploited = policy({ about: 'exploited', name: 'x', maxDays: 2 });

test('the delay of an exploited vulnerability runs from the later of fix and exploitation', () => {
  const check = (exploitedSince: string) =>
    checkPolicy(exploited, scan([vulnerability({ exploitedSince })]), now);
  expect(check('2026-10-01')).toMatchObject([
    { rule: 'x', package: 'tool', vulnerability: 'CVE-2026-1', days: 10 },
  ]);
  expect(check('2026-11-20')).toEqual([]);
  expect(checkPolicy(exploited, scan([vulnerability({})]), now)).toEqual([]);
});

test('what is not known counts as broken', () => {
  const unfed: Scan = { ...scan([vulnerability({})]), feeds: [] };
  expect(checkPolicy(exploited, unfed, now)).toMatchObject([
    { detail: expect.stringContaining('import such a list') },
  ]);
  const undated = scan([vulnerability({ exploitedSince: '2026-10-01', fixedAt: null })]);
  expect(checkPolicy(exploited, undated, now)).toMatchObject([{ days: null }]);
  expect(checkPolicy(exploited, scan([], { changesKnown: false }), now)).toMatchObject([{ days: null }]);
});

test('severity counts from the fix, and an unknown one counts as the worst', () => {
  const severe = policy({ about: 'severity', name: 'y', atLeast: 'high', maxDays: 7 });
  const check = (rest: Partial<Vulnerability>) =>
    checkPolicy(severe, scan([vulnerability(rest)]), now).length;
  expect([check({}), check({ severity: 'unknown' }), check({ severity: 'medium' })]).toEqual([1, 1, 0]);
  expect(check({ fixedAt: '2026-11-15T12:00:00.000Z' })).toBe(0);
  expect(check({ remedy: 'no-fix-published' })).toBe(0);
});

test('lag and support are rules of their own', () => {
  const lag = (maxDays: number) => checkPolicy(policy({ about: 'lag', name: 'z', maxDays }), scan([]), now);
  expect(lag(20)).toEqual([]);
  expect(lag(19)).toMatchObject([{ package: 'tool', vulnerability: null, days: 20 }]);
  const support = policy({ about: 'support', name: 's', allow: ['supported', 'long-term'] });
  expect(checkPolicy(support, scan([]), now)).toMatchObject([
    { package: null, detail: 'support is ended (2026-08-31)' },
  ]);
});

test('an exception holds for what it names, until its day', () => {
  const rule = { about: 'severity', name: 'y', atLeast: 'high', maxDays: 7 } as const;
  const check = (exception: Partial<Policy['exceptions'][number]>) =>
    checkPolicy(
      policy(rule, { until: '2026-11-21', reason: 'r', ...exception }),
      scan([vulnerability({})]),
      now,
    ).length;
  expect(check({ vulnerability: 'CVE-2026-1' })).toBe(0);
  expect(check({ package: 'tools' })).toBe(0);
  expect(check({ package: 'tools', vulnerability: 'CVE-2026-2' })).toBe(1);
  expect(check({ vulnerability: 'CVE-2026-1', until: '2026-11-20' })).toBe(1);
  expect(check({})).toBe(1);
});
