import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { type Config, configSchema } from './schema.ts';

export interface ConfigSources {
  /** Named by the operator; without it the system's file is read if it is there. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags: Partial<Config>;
}

const systemFile = '/etc/coldpatch/config.json';

/**
 * The configuration: defaults < file < environment < flags.
 *
 * @throws ColdpatchError `configuration_invalid` with every problem, `file_not_found`.
 */
export function loadConfig({ file, environment, flags }: ConfigSources): Config {
  const layers = { ...defaults(environment), ...readFile(file), ...fromEnvironment(environment), ...flags };
  const result = configSchema.safeParse(layers);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'configuration'}: ${message}`,
  );
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a valid configuration, but found ${problems.length} problem(s): ${problems.join('; ')}. ` +
      'The keys are described in docs/operating/configuration.md.',
  );
}

function defaults(environment: ConfigSources['environment']): Config {
  const home = environment.HOME ?? '/nonexistent';
  const isRoot = process.geteuid?.() === 0;
  return {
    cacheDirectory: isRoot
      ? '/var/cache/coldpatch'
      : join(environment.XDG_CACHE_HOME ?? join(home, '.cache'), 'coldpatch'),
    imageDirectories: [],
  };
}

function readFile(named: string | undefined): Record<string, unknown> {
  const path = named ?? systemFile;
  if (!existsSync(path)) {
    if (named === undefined) return {};
    throw new ColdpatchError(
      'file_not_found',
      `Expected a configuration file at ${path}, but there is none.`,
    );
  }
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return { ...found };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected a JSON object in ${path}, but found something else.`,
  );
}

/** Lists are separated by colons, like PATH. */
function fromEnvironment(environment: ConfigSources['environment']): Partial<Config> {
  const { COLDPATCH_CACHE_DIRECTORY: cache, COLDPATCH_IMAGE_DIRECTORIES: images } = environment;
  return {
    ...(cache !== undefined && { cacheDirectory: cache }),
    ...(images !== undefined && { imageDirectories: images.split(':').filter((path) => path !== '') }),
  };
}
