import type { PackageExposure, Vulnerability } from '../upgrades/matching/exposure.ts';
import type { Scan } from '../upgrades/matching/scan.ts';
import { cleanText } from './clean-text.ts';
import { cleanJson, oneLineJson, printJson } from './print-json.ts';
import { section } from './section.ts';
import { printTable } from './print-table.ts';

export const scanFormats = ['table', 'json', 'sarif', 'vex', 'html'] as const;

export type ScanFormat = (typeof scanFormats)[number];

/** The text of all scans in each format. Of several images, JSON and VEX have one document a line. */
export const scanPrinters: Readonly<Record<ScanFormat, (scans: readonly Scan[]) => Promise<string>>> = {
  table: async (scans) => scans.map(printScan).join('\n'),
  json: async (scans) => documents(scans.map(printJson)),
  async sarif(scans) {
    const { sarif } = await import('../app/scan-documents.ts');
    return cleanJson(sarif(scans));
  },
  async vex(scans) {
    const { cycloneDxVex } = await import('../app/scan-documents.ts');
    return documents(scans.map((scan) => cleanJson(cycloneDxVex(scan))));
  },
  async html(scans) {
    const { scanPage } = await import('../app/scan-documents.ts');
    return scanPage(scans);
  },
};

function documents(texts: readonly string[]): string {
  return texts.length === 1 ? (texts[0] ?? '') : texts.map(oneLineJson).join('');
}

/** One scan for people: what is not known first, then the packages with the most urgent on top. */
export function printScan(scan: Scan): string {
  const lines = [
    `${cleanText(scan.image)}: ${cleanText(scan.operatingSystem.prettyName)}, ${printSupport(scan.support)}`,
    ...section('Not read', scan.gaps, ({ where, detail }) => `${where}: ${detail}`),
    ...section('Not known, and so not clean', scan.unknown, ({ where, detail }) => `${where}: ${detail}`),
    '',
    ...printPackages(scan.packages),
    '',
    printSummary(scan),
  ];
  return `${lines.join('\n')}\n`;
}

function printSupport({ status, until }: Scan['support']): string {
  if (status === 'unknown') return 'support unknown';
  if (status === 'ended') return `NOT SUPPORTED since ${until}: fixes will not come`;
  return `${status === 'long-term' ? 'long-term support' : 'supported'} until ${until}`;
}

function printPackages(packages: readonly PackageExposure[]): readonly string[] {
  if (packages.length === 0) return ['Every package is at its newest published version.'];
  return printTable(
    ['package', 'installed', 'published', 'vulnerabilities'],
    packages.map((entry) => [
      entry.name,
      entry.installed,
      entry.available ?? '-',
      printVulnerabilities(entry),
    ]),
  );
}

const shownVulnerabilities = 3;

function printVulnerabilities({ vulnerabilities, changesKnown }: PackageExposure): string {
  const shown = vulnerabilities.slice(0, shownVulnerabilities).map(printVulnerability).join(', ');
  const more = vulnerabilities.length - shownVulnerabilities;
  const words = [shown, more > 0 ? `and ${more} more` : '', changesKnown ? '' : 'changes not known'];
  return words.filter((text) => text !== '').join(', ') || '-';
}

function printVulnerability({ id, severity, exploitedSince, remedy }: Vulnerability): string {
  const marks = [
    ...(exploitedSince === null ? [] : ['EXPLOITED']),
    ...(severity === 'unknown' ? [] : [severity]),
    ...(remedy === 'fix-published' ? [] : [remedy]),
  ];
  return marks.length === 0 ? id : `${id} (${marks.join(', ')})`;
}

function printSummary({ summary: { lagging, vulnerabilities: found } }: Scan): string {
  const grades = (['critical', 'high', 'medium', 'low'] as const).map((grade) => `${found[grade]} ${grade}`);
  return (
    `${lagging} packages lag; ${found.total} vulnerabilities: ${found.exploited} known to be exploited, ` +
    `${grades.join(', ')}, ${found.unknown} of unknown severity.`
  );
}
