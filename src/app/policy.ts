import { z } from 'zod';
import { ColdpatchError } from '../lib/errors.ts';
import { readNamedJson } from '../lib/read-named-file.ts';
import { type Policy, policySchema } from '../upgrades/policy/policy-schema.ts';

export { checkPolicy, type Violation } from '../upgrades/policy/check-policy.ts';

/** @throws ColdpatchError `file_not_found`, `file_unreadable`, `configuration_invalid` with all that is wrong */
export function readPolicy(path: string): Policy {
  const found = policySchema.safeParse(readNamedJson(path));
  if (found.success) return found.data;
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a policy in ${path}, found:\n${z.prettifyError(found.error)}`,
  );
}
