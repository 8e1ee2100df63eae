import type { Report } from '../patch/report.ts';
import { cleanText } from './clean-text.ts';
import { printChanges } from './print-plan.ts';
import { section } from './section.ts';
import { describeBoots } from './print-boot-test.ts';
import { printTable } from './print-table.ts';

/** What an update did, for people. */
export function printReport(report: Report): string {
  const lines = [
    ...section('From an earlier run', report.recovered, (line) => line),
    ...(report.outcome === 'updated'
      ? updated(report)
      : ['Nothing to do: every package is at its newest published version.']),
    ...section(
      'Held back',
      report.held,
      ({ name, version, candidate, reason }) => `${name} ${version} (published: ${candidate}): ${reason}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function updated(report: Report): readonly string[] {
  const { files, verification, phases, kernels, generation } = report;
  return [
    ...printChanges(report.changes),
    '',
    ...printTable(
      ['files', 'added', 'changed', 'removed'],
      files.byClass.map((entry) => [entry.class, entry.added, entry.changed, entry.removed]),
    ),
    ...section(
      'Configuration files that you and a package changed: yours was kept',
      files.conflicts,
      ({ path, newVersion }) => `${path} (the package's is ${newVersion})`,
    ),
    ...section(
      'Kernels',
      kernels.initramfsBuilt,
      (release) => `initramfs built for ${release}${kernels.bootMenuWritten ? ', boot menu written' : ''}`,
    ),
    ...section(
      'At the next start of the machine',
      report.atNextStart,
      (next) => `${next.package}: ${next.action}`,
    ),
    ...section('Not done in the copy, for the running machine', report.postponed, (command) => command),
    ...section('Units that failed while the copy upgraded itself', report.failedUnits, (unit) => unit),
    '',
    ...printTable(
      ['verified', '', ''],
      verification.map(({ check, ok, detail }) => [check, ok ? 'ok' : 'FAILED', cleanText(detail)]),
    ),
    ...(report.bootTest ? ['', ...describeBoots(report.bootTest)] : []),
    '',
    ...printTable(
      ['phase', 'seconds'],
      phases.map(({ name, seconds }) => [name, seconds.toFixed(2)]),
    ),
    '',
    `Engine: ${report.engine.id}; ${report.engine.isolation}.`,
    `Before: sha256 ${report.before.digest}`,
    `After:  sha256 ${report.after.digest}`,
    `The image as it was is generation ${generation ?? ''}; "coldpatch rollback" puts it back.`,
  ];
}
