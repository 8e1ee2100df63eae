import { pathToFileURL } from 'node:url';
import type { PackageExposure, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';
import { urlOfExposed } from './url-of-exposed.ts';

type Level = 'error' | 'warning' | 'note';

const levels: Readonly<Record<Vulnerability['severity'], Level>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  unknown: 'warning',
  low: 'note',
};

const outdatedRule = {
  id: 'outdated-package',
  shortDescription: { text: 'A newer version of an installed package is published' },
};

/** A SARIF 2.1.0 log: one result for each vulnerability of each package, and for each package that only lags. */
export function sarif(scans: readonly Scan[]): string {
  const results = scans.flatMap((scan) => scan.packages.flatMap((entry) => resultsOf(scan, entry)));
  const ids = new Set(results.map(({ ruleId }) => ruleId).filter((id) => id !== outdatedRule.id));
  const summaries = new Map(
    scans.flatMap(({ packages }) =>
      packages.flatMap(({ vulnerabilities }) => vulnerabilities.map(({ id, summary }) => [id, summary])),
    ),
  );
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'coldpatch',
            rules: [
              outdatedRule,
              ...[...ids].map((id) => ({ id, shortDescription: { text: summaries.get(id) ?? id } })),
            ],
          },
        },
        artifacts: scans.map(({ image }) => ({ location: { uri: pathToFileURL(image).href } })),
        results,
        invocations: scans.map(({ gaps, unknown }) => ({
          executionSuccessful: true,
          toolExecutionNotifications: [
            ...gaps.map(({ where, reason, detail }) => notification(`gap: ${where}: ${reason}: ${detail}`)),
            ...unknown.map(({ where, detail }) => notification(`unknown: ${where}: ${detail}`)),
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function notification(text: string) {
  return { level: 'warning', message: { text } };
}

function resultsOf(scan: Scan, entry: PackageExposure) {
  const { name, installed, available, vulnerabilities } = entry;
  const url = urlOfExposed(entry, scan.operatingSystem);
  const locations = [
    {
      physicalLocation: { artifactLocation: { uri: pathToFileURL(scan.image).href } },
      logicalLocations: [{ name, fullyQualifiedName: url, kind: 'package' }],
    },
  ];
  const result = (ruleId: string, level: Level, text: string) => ({
    ruleId,
    level,
    message: { text },
    locations,
    partialFingerprints: { 'coldpatch/v1': `${ruleId} ${url}` },
  });
  if (vulnerabilities.length === 0)
    return [result(outdatedRule.id, 'note', `${name} ${installed} is installed; ${available} is published.`)];
  return vulnerabilities.map((vulnerability) => {
    const level = vulnerability.exploitedSince === null ? levels[vulnerability.severity] : 'error';
    return result(vulnerability.id, level, `${name} ${installed}: ${describe(vulnerability, available)}`);
  });
}

function describe(
  { id, remedy, fixedVersion, exploitedSince, note }: Vulnerability,
  available: string | null,
): string {
  const exploited = exploitedSince === null ? '' : `, known to be exploited since ${exploitedSince}`;
  const words = {
    'fix-published': `fixed in ${fixedVersion ?? available}`,
    'no-fix-published': 'no fix is published',
    'no-fix-will-come': 'no fix will come',
    unknown: 'not decided',
  } as const;
  return `${id}${exploited}: ${words[remedy]}${note === null ? '' : ` (${note})`}.`;
}
