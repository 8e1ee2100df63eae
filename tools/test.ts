/** `npm test`: system packages, the gates over the sources, then the tests. Arguments choose tests by their path. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sourceGates } from './gates.ts';
import { installSystemPackages } from './install-system-packages.ts';
import { runGates } from './run-gates.ts';
import { runTests } from './run-tests.ts';
import { systemPackages } from './system-packages.ts';

const root = join(import.meta.dirname, '..');
const { positionals, values } = parseArgs({ allowPositionals: true, options: { long: { type: 'boolean' } } });
const { product, demo, test } = systemPackages;

if (!installSystemPackages([...product, ...demo, ...test])) {
  process.exitCode = 3;
} else if (
  !(await runGates(root, sourceGates)) ||
  !(await runTests(root, positionals, { long: values.long === true }))
) {
  process.exitCode = 1;
}
