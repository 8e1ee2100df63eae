import type { Plan } from '../patch/plan.ts';
import { cleanText } from './clean-text.ts';
import { printBytes } from './print-bytes.ts';
import { printForecast } from './print-forecast.ts';
import { printTable } from './print-table.ts';
import { section } from './section.ts';

/** A plan for people. */
export function printPlan(plan: Plan): string {
  const lines: string[] = [];
  if (plan.changes.length === 0)
    lines.push('Nothing to do: every package is at its newest published version.');
  else lines.push(...printChanges(plan.changes), '', summary(plan));
  lines.push(
    ...section(
      'Held back',
      plan.held,
      (held) => `${held.name} ${held.version} (published: ${held.candidate}): ${held.reason}`,
    ),
    ...section(
      'Configuration files that you changed, and that stay',
      plan.changedConffiles,
      (file) => `${file.path} (${file.package}, ${file.change})`,
    ),
    ...section(
      'At the next start of the machine',
      plan.atNextStart,
      (next) => `${next.package}: ${next.action}`,
    ),
    ...section(
      plan.engine.id === 'boot'
        ? 'Package scripts that ask a running system, which the started copy is'
        : 'Package scripts that ask a running system, and find none; with --engine boot they do',
      plan.needsRunningSystem,
      ({ package: name, script, needs, command, isTolerated }) =>
        `${name} (${script}) needs ${needs}${isTolerated ? ', and goes on without' : ''}: ${command}`,
    ),
    ...printForecast(plan.forecast),
    ...section(
      'Sources that were not used',
      plan.skippedSources,
      (source) => `${source.where}: ${source.reason}`,
    ),
    ...section(
      'Repositories',
      plan.repositories,
      ({ uri, suite, date, validUntil }) =>
        `${uri} ${suite}, signed ${date}${validUntil ? `, valid until ${validUntil}` : ''}`,
    ),
    '',
    `Engine: ${plan.engine.id} (${plan.engine.reason})`,
  );
  return `${lines.join('\n')}\n`;
}

/** What changes, new packages marked as such. */
export function printChanges(changes: Plan['changes']): readonly string[] {
  const rows = changes.map(({ name, architecture, from, to, suite }) => [
    cleanText(name),
    architecture,
    from ?? '(new)',
    to ?? '(removed)',
    suite ?? '',
  ]);
  return printTable(['package', 'arch', 'from', 'to', 'suite'], rows);
}

function summary({ changes, download, disk }: Plan): string {
  const added = changes.filter(({ from }) => from === null).length;
  const removed = changes.filter(({ to }) => to === null).length;
  return (
    `${changes.length - added - removed} upgraded, ${added} new, ${removed} removed, ` +
    `${printBytes(download.total)} of packages; needs up to ${printBytes(disk.needed)} in the image, ${printBytes(disk.free)} are free.`
  );
}
