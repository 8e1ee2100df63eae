import { checkPolicy, readPolicy, type Violation } from '../../app/policy.ts';
import { cleanText } from '../clean-text.ts';
import { printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';
import { type RunScansOptions, runScans, type ScanIo } from '../run-scans.ts';

export interface PolicyOptions extends RunScansOptions {
  readonly policy: string;
  readonly json: boolean;
}

interface Checked {
  readonly image: string;
  readonly violations: readonly Violation[];
}

const foundSomething = 4;

/** `coldpatch policy check`. @returns the exit code: 4 when an image breaks a rule, else that of the worst failure. */
export async function policyCommand(
  io: ScanIo,
  { policy: path, json, ...options }: PolicyOptions,
): Promise<number> {
  const policy = readPolicy(path);
  const { scans, exitCode } = await runScans(io, options);
  const checked = scans.map((scan) => ({
    image: scan.image,
    violations: checkPolicy(policy, scan, new Date()),
  }));
  io.print(json ? printJson({ images: checked }) : checked.map(printChecked).join('\n'));
  return checked.some(({ violations }) => violations.length > 0) ? foundSomething : exitCode;
}

function printChecked({ image, violations }: Checked): string {
  if (violations.length === 0) return `${cleanText(image)}: keeps every rule\n`;
  const rows = violations.map(({ rule, package: name, vulnerability, days, detail }) => [
    `  ${rule}`,
    name ?? '-',
    vulnerability ?? '-',
    days === null ? 'unknown' : String(days),
    detail,
  ]);
  const lines = printTable(['  rule', 'package', 'vulnerability', 'days', 'detail'], rows);
  return `${cleanText(image)}: breaks ${violations.length} times\n${lines.join('\n')}\n`;
}
