/** `npm run check`: every gate that needs neither root nor a system package. Ends with 1 when one is red. */
import { join } from 'node:path';
import { smallTests, sourceGates } from './gates.ts';
import { runGates } from './run-gates.ts';

if (!(await runGates(join(import.meta.dirname, '..'), [...sourceGates, smallTests]))) {
  process.exitCode = 1;
}
