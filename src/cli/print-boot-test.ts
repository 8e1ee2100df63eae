import type { BootTestReport } from '../patch/report.ts';
import { cleanText } from './clean-text.ts';
import { printTable } from './print-table.ts';

const outcomes: Readonly<Record<BootTestReport['outcome'], string>> = {
  passed: 'passed',
  failed: 'FAILED',
  not_told: 'nothing is told',
};

/** What a boot test has shown, for people. */
export function describeBoots({
  outcome,
  detail,
  boots,
  firmware,
  accelerator,
  evidence,
}: BootTestReport): readonly string[] {
  return [
    ...printTable(
      ['started', 'came to', 'seconds', ''],
      boots.map((boot) => [boot.label, boot.verdict, boot.seconds.toFixed(1), cleanText(boot.detail)]),
    ),
    '',
    `Boot test: ${outcomes[outcome]}; ${cleanText(detail).replace(/\.+$/, '')}.`,
    `Firmware: ${firmware}. ${accelerator === 'kvm' ? 'Under KVM.' : 'Under emulation, where starts are slow and newer kernels fail at random.'}`,
    `Evidence: ${evidence}`,
  ];
}
