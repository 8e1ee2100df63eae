import { ColdpatchError } from '../lib/errors.ts';
import { readNamedJson } from '../lib/read-named-file.ts';
import { type ServerConfig, serverSchema } from './server-schema.ts';

/**
 * Reads sources and policies from one JSON file.
 * @throws ColdpatchError `configuration_invalid` with every problem, `file_not_found`, `file_unreadable`.
 */
export function loadServerConfig(path: string): ServerConfig {
  return parseServerConfig(readNamedJson(path), path);
}

/** The same for what is parsed already. `origin` is named in the error. @throws ColdpatchError `configuration_invalid` */
export function parseServerConfig(value: unknown, origin: string): ServerConfig {
  const result = serverSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected sources and policies in ${origin}, but found:\n${problems.join('\n')}\nThe keys are described in docs/operating/server.md.`,
  );
}
