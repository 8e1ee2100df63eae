import { expect, test } from 'vitest';
import type { PackageExposure, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';
import { summarise } from '../matching/summarise.ts';
import { cycloneDxVex } from './cyclonedx-vex.ts';
import { scanPage } from './html.ts';
import { sarif } from './sarif.ts';

const vulnerability: Vulnerability = {
  id: 'CVE-2026-1',
  severity: 'high',
  exploitedSince: '2026-10-01',
  exploitProbability: 0.25,
  remedy: 'fix-published',
  fixedVersion: '2-1',
  fixedAt: null,
  summary: 'A <script>alert(1)</script> of sorts',
  note: null,
  statedBy: ['changelog of tool 2-1'],
};
const packages: readonly PackageExposure[] = [
  {
    name: 'tool',
    architecture: 'amd64',
    manager: 'dpkg',
    installed: '1-1',
    source: 'tool',
    available: '2-1',
    lagsSince: null,
    changesKnown: true,
    vulnerabilities: [
      vulnerability,
      {
        ...vulnerability,
        id: 'CVE-2026-2',
        exploitedSince: null,
        severity: 'low',
        remedy: 'no-fix-will-come',
        note: 'minor',
      },
    ],
  },
  {
    name: 'tzdata',
    architecture: 'all',
    manager: 'dpkg',
    installed: '2026a',
    source: 'tzdata',
    available: '2026b',
    lagsSince: null,
    changesKnown: true,
    vulnerabilities: [],
  },
];
const scan: Scan = {
  schema: 1,
  image: '/images/<b>server</b> 1.qcow2',
  scannedAt: '2026-11-21T10:00:00.000Z',
  operatingSystem: {
    id: 'debian',
    versionId: '12',
    versionCodename: 'bookworm',
    prettyName: 'Debian 12',
    architecture: 'amd64',
  },
  support: { status: 'ended', until: '2028-06-30', source: 'a table' },
  packages,
  summary: summarise(packages),
  unknown: [{ where: 'advisories', detail: 'none imported' }],
  repositories: [],
  feeds: [],
  gaps: [{ where: 'partition 2', reason: 'unsupported', detail: 'holds something' }],
};

interface SarifLog {
  readonly version: string;
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly {
        readonly ruleId: string;
        readonly level: string;
        readonly message: { readonly text: string };
        readonly locations: readonly {
          readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
        }[];
      }[];
      readonly invocations: readonly { readonly toolExecutionNotifications: readonly unknown[] }[];
    },
  ];
}

interface VexDocument {
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly properties: readonly unknown[] } };
  readonly components: readonly { readonly name: string }[];
  readonly vulnerabilities: readonly { readonly id: string }[];
}

test('SARIF has a result for each vulnerability of each package, and for one that only lags', () => {
  const log = JSON.parse(sarif([scan])) as SarifLog;
  const [run] = log.runs;
  expect(log.version).toBe('2.1.0');
  expect(run.results.map(({ ruleId, level }) => [ruleId, level])).toEqual([
    ['CVE-2026-1', 'error'],
    ['CVE-2026-2', 'note'],
    ['outdated-package', 'note'],
  ]);
  const ids = run.tool.driver.rules.map(({ id }) => id);
  expect(ids.toSorted()).toEqual(['CVE-2026-1', 'CVE-2026-2', 'outdated-package']);
  expect(run.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(
    'file:///images/%3Cb%3Eserver%3C/b%3E%201.qcow2',
  );
  expect(run.results[0]?.message.text).toContain('fixed in 2-1');
  expect(run.invocations[0]?.toolExecutionNotifications).toHaveLength(2);
});

test('VEX says which packages a vulnerability touches, and what is done about it', () => {
  const document = JSON.parse(cycloneDxVex(scan)) as VexDocument;
  expect(document.specVersion).toBe('1.6');
  expect(document.components.map(({ name }) => name)).toEqual(['tool', 'tzdata']);
  const byId = (a: { id: string }, b: { id: string }) => a.id.localeCompare(b.id);
  expect(document.vulnerabilities.toSorted(byId)).toMatchObject([
    {
      id: 'CVE-2026-1',
      ratings: [{ severity: 'high' }],
      analysis: { state: 'exploitable', response: ['update'] },
      affects: [{ ref: 'pkg:deb/debian/tool@1-1?arch=amd64&distro=debian-12' }],
    },
    { id: 'CVE-2026-2', analysis: { state: 'exploitable', response: ['will_not_fix'], detail: 'minor' } },
  ]);
  expect(document.metadata.component.properties).toHaveLength(2);
});

test('the page holds what images and feeds say as text', () => {
  const page = scanPage([scan]);
  expect(page).not.toMatch(/<script|<b>server/);
  expect(page).toContain(
    '1 image: 1 out of date, 1 with holes that are known to be exploited, 1 about which not everything is known.',
  );
  expect(page).toContain('&#60;b&#62;server&#60;/b&#62;');
  expect(page).toContain('exploited since 2026-10-01');
  expect(page).toContain('Not known: advisories: none imported');
});
