import { ColdpatchError } from '../../lib/errors.ts';

/** @throws ColdpatchError `machine_put_back` when there are findings. */
export function assertNotPutBack(name: string, findings: readonly string[]): void {
  if (findings.length === 0) return;
  throw new ColdpatchError(
    'machine_put_back',
    `Expected the machine ${name} to come from its last state, but ${findings.join('; ')}. ` +
      `Put the other parts back too ("coldpatch generations rollback ${name}"), ` +
      `or, if this is meant, run "coldpatch generations take ${name} --accept-put-back".`,
  );
}
