import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ColdpatchError } from '../lib/errors.ts';
import { type Policy, policySchema } from '../upgrades/policy/policy-schema.ts';

export { checkPolicy, type Violation } from '../upgrades/policy/check-policy.ts';

/** @throws ColdpatchError `file_unreadable`, `configuration_invalid` with all that is wrong */
export function readPolicy(path: string): Policy {
  const found = policySchema.safeParse(parseJson(path, readText(path)));
  if (found.success) return found.data;
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a policy in ${path}, found:\n${z.prettifyError(found.error)}`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ColdpatchError('file_unreadable', `Expected to read ${path}, but it cannot be read.`, {
      cause,
    });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ColdpatchError('configuration_invalid', `Expected JSON in ${path}: ${String(cause)}.`, {
      cause,
    });
  }
}
