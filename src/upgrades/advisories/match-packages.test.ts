import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdvisoryStore, openAdvisoryStore } from './advisory-store.ts';
import { createPackageMatcher } from './match-packages.ts';
import type {
  AdvisoryFormatId,
  AdvisoryRecord,
  Finding,
  MatchablePackage,
  Statement,
  VulnerabilityFact,
} from './types.ts';

let folder: string;
let store: AdvisoryStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coldpatch-advisories-'));
  store = openAdvisoryStore({ cacheDirectory: folder, now: () => new Date('2024-06-01') });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const bookworm = { id: 'debian', versionId: '12', versionCodename: 'bookworm' };

function packageOf(version: string, fields: Partial<MatchablePackage> = {}): MatchablePackage {
  return { manager: 'dpkg', name: 'libssl3', version, source: { name: 'openssl', version }, ...fields };
}

type Said = Partial<Statement>;

const base: Statement = {
  release: 'debian:bookworm',
  package: 'openssl',
  packageKind: 'source',
  vulnerability: 'CVE-2024-0001',
  status: 'open',
  severity: 'unknown',
};

async function feed(
  format: AdvisoryFormatId,
  said: readonly Said[],
  facts: readonly VulnerabilityFact[] = [],
  source = `feed of ${format}`,
): Promise<void> {
  async function* records(): AsyncGenerator<AdvisoryRecord> {
    for (const one of said)
      yield await Promise.resolve({ kind: 'statement', statement: { ...base, ...one } });
    for (const fact of facts) yield { kind: 'fact', fact };
  }
  await store.replaceFeed({
    format,
    source,
    revision: 1,
    records: records(),
    seal: () => ({ digest: source }),
  });
}

function findings(one: MatchablePackage): readonly Finding[] {
  return createPackageMatcher(store).match(bookworm, [one]).matches[0]?.findings ?? [];
}

function statuses(one: MatchablePackage): readonly (readonly [string, string | undefined])[] {
  return findings(one).map(({ status, fixedVersion }) => [status, fixedVersion]);
}

test('a version below the fix is a finding, with everything that is known', async () => {
  await feed('debian-tracker', [
    { status: 'fixed', fixedVersion: '3.0.11-1', severity: 'high', advisory: 'DSA-1', note: 'Minor issue' },
  ]);
  await feed('cisa-kev', [], [{ vulnerability: 'CVE-2024-0001', exploitedSince: '2024-05-01' }]);
  await feed('epss', [], [{ vulnerability: 'CVE-2024-0001', exploitProbability: 0.5 }]);
  expect(findings(packageOf('3.0.10-1'))).toEqual([
    {
      vulnerability: 'CVE-2024-0001',
      status: 'fixed',
      fixedVersion: '3.0.11-1',
      severity: 'high',
      exploitedSince: '2024-05-01',
      exploitProbability: 0.5,
      advisories: ['DSA-1'],
      note: 'Minor issue',
      provenance: [
        {
          format: 'debian-tracker',
          source: 'feed of debian-tracker',
          digest: 'feed of debian-tracker',
          importedAt: '2024-06-01T00:00:00.000Z',
        },
      ],
    },
  ]);
  expect(findings(packageOf('3.0.11-1'))).toEqual([]);
  expect(findings(packageOf('1:1.0-1'))).toEqual([]);
});

const fix = { status: 'fixed', fixedVersion: '3.0.11-1' } as const;

test.each<[string, readonly Said[], string, readonly (readonly [string, string?])[]]>([
  ['open', [{ status: 'open' }], '3', [['open']]],
  ['no fix will come', [{ status: 'will-not-fix' }], '3', [['will-not-fix']]],
  ['not decided', [{ status: 'under-investigation' }], '3', [['under-investigation']]],
  ['not affected', [{ status: 'not-affected' }], '3', []],
  ['fixed without a version', [{ status: 'fixed' }], '3', [['under-investigation']]],
  ['before its range', [{ ...fix, introducedVersion: '3.0' }], '2.9', []],
  ['in its range', [{ ...fix, introducedVersion: '3.0' }], '3.0', [['fixed', '3.0.11-1']]],
  ['after the last that had it', [{ lastAffectedVersion: '3.0' }], '3.1', []],
  ['the last that has it', [{ lastAffectedVersion: '3.0' }], '3.0', [['open']]],
  ['between two ranges', [fix, { ...fix, introducedVersion: '4', fixedVersion: '5' }], '3.5', []],
  [
    'in the second range',
    [fix, { ...fix, introducedVersion: '4', fixedVersion: '5' }],
    '4.5',
    [['fixed', '5']],
  ],
  ['fixed twice', [fix, { ...fix, fixedVersion: '3.0.12-1' }], '3.0', [['fixed', '3.0.12-1']]],
])('one feed: %s', async (_name, said, version, expected) => {
  await feed('debian-tracker', said);
  expect(statuses(packageOf(version))).toEqual(expected.map(([status, fixed]) => [status, fixed]));
});

test.each<[string, Said, Said, string, readonly (readonly [string, string?])[]]>([
  ['a fix decides before "open"', { status: 'open' }, fix, '3.0', [['fixed', '3.0.11-1']]],
  ['an installed fix decides before "open"', { status: 'open' }, fix, '3.1', []],
  ['a fix without a version decides nothing', { status: 'open' }, { status: 'fixed' }, '3.1', [['open']]],
  ['"not affected" decides before OSV', { status: 'not-affected' }, fix, '3.0', []],
  ['"not affected" decides before "open" of OSV', { status: 'not-affected' }, { status: 'open' }, '3.0', []],
  ['the own fix decides before that of OSV', fix, { ...fix, fixedVersion: '9' }, '3.0.11-1', []],
  [
    '"open" stays when OSV never saw it',
    { status: 'open' },
    { ...fix, introducedVersion: '5' },
    '3.0',
    [['open']],
  ],
  ['both are open', { status: 'will-not-fix' }, { status: 'open' }, '3.0', [['will-not-fix']]],
])('the distribution and OSV: %s', async (_name, own, other, version, expected) => {
  await feed('debian-tracker', [own]);
  await feed('osv', [{ ...other, release: 'debian:12' }]);
  const found = findings(packageOf(version));
  expect(found.map(({ status, fixedVersion }) => [status, fixedVersion])).toEqual(
    expected.map(([status, fixed]) => [status, fixed]),
  );
  for (const { provenance } of found) {
    expect(provenance.map(({ format }) => format)).toEqual(['osv', 'debian-tracker']);
  }
});

test('"not affected" does not hide what another feed of the distribution says', async () => {
  await feed('debian-tracker', [{ status: 'not-affected' }]);
  await feed('csaf', [{ status: 'open' }]);
  expect(statuses(packageOf('3.0'))).toEqual([['open', undefined]]);
  await feed('csaf', [fix]);
  expect(statuses(packageOf('3.0'))).toEqual([['fixed', '3.0.11-1']]);
});

test.each([
  ['the installed version', 'not_a_version', fix],
  ['the version of the fix', '3.0.12-1', { ...fix, fixedVersion: 'not_a_version' }],
  ['the end of the range', '3.0.12-1', { lastAffectedVersion: 'not_a_version' }],
])('%s that cannot be compared is never clean', async (_name, version, said) => {
  await feed('debian-tracker', [said]);
  await feed('osv', [{ ...fix, fixedVersion: '1' }]);
  const [finding] = findings(packageOf(version));
  expect(finding).toMatchObject({
    status: 'under-investigation',
    note: expect.stringContaining('cannot be compared with'),
  });
});

test('source statements judge the version of the source, and binary ones that of the package', async () => {
  await feed('debian-tracker', [
    { ...fix, vulnerability: 'CVE-1' },
    { ...fix, vulnerability: 'CVE-2', package: 'libssl3', packageKind: 'binary' },
    { vulnerability: 'CVE-3', package: 'libssl3', packageKind: 'source' },
    { vulnerability: 'CVE-4', package: 'openssl', packageKind: 'binary' },
    { vulnerability: 'CVE-5', release: 'debian:trixie' },
  ]);
  const numbers = (one: MatchablePackage) => findings(one).map(({ vulnerability }) => vulnerability);
  const source = (version: string) => ({ source: { name: 'openssl', version } });
  expect(numbers(packageOf('3.0', source('3.1')))).toEqual(['CVE-2']);
  expect(numbers(packageOf('3.1', source('3.0')))).toEqual(['CVE-1']);
  expect(numbers(packageOf('3.0', source('3.0')))).toEqual(['CVE-1', 'CVE-2']);
});

test('known exploited comes first, then what is severe', async () => {
  await feed(
    'debian-tracker',
    [
      { vulnerability: 'CVE-2024-1', severity: 'unknown' },
      { vulnerability: 'CVE-2024-2', severity: 'critical' },
      { vulnerability: 'CVE-2024-3', severity: 'low' },
      { vulnerability: 'CVE-2024-4', severity: 'critical' },
    ],
    [
      { vulnerability: 'CVE-2024-3', exploitedSince: '2024-01-01' },
      { vulnerability: 'CVE-2024-1', severity: 'medium' },
    ],
  );
  expect(findings(packageOf('3')).map(({ vulnerability, severity }) => [vulnerability, severity])).toEqual([
    ['CVE-2024-3', 'low'],
    ['CVE-2024-2', 'critical'],
    ['CVE-2024-4', 'critical'],
    ['CVE-2024-1', 'medium'],
  ]);
});

test('a release of which nobody speaks is not covered', async () => {
  await feed('debian-tracker', [{ ...fix, fixedVersion: '1' }]);
  const matcher = createPackageMatcher(store);
  const one = [packageOf('3.0')];
  expect(matcher.match(bookworm, one)).toEqual({ coverage: true, matches: [] });
  expect(matcher.match({ ...bookworm, versionCodename: 'forky', versionId: '14' }, one)).toEqual({
    coverage: false,
    matches: [],
  });
});

test('what it remembers of one image it forgets after an import', async () => {
  const matcher = createPackageMatcher(store);
  const count = () => matcher.match(bookworm, [packageOf('3.0'), packageOf('3.1')]).matches.length;
  expect(count()).toBe(0);
  await feed('debian-tracker', [fix]);
  expect(count()).toBe(1);
  expect(count()).toBe(1);
  await feed('debian-tracker', [{ status: 'open' }]);
  expect(count()).toBe(2);
});
