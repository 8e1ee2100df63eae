import { resolve } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import { defaultConfig } from './default-config.ts';
import { environmentVariableOf, readEnvironment } from './environment-variables.ts';
import { readConfigFile } from './read-config-file.ts';
import { type Config, type ConfigKey, configSchema } from './schema.ts';

export interface ConfigSources {
  /** Named by the operator, so it must be there; without it the system's file is read if it is there. */
  readonly file?: string;
  /** Default `/etc/coldpatch/config.json`. */
  readonly systemFile?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Their directories may be relative to the working directory. */
  readonly flags: Partial<Config>;
  /** Default: whether this process runs as root. It decides the defaults. */
  readonly isRoot?: boolean;
}

/** One place that says something, and how it names its keys. */
interface Layer {
  readonly values: Readonly<Record<string, unknown>>;
  readonly nameOf: (key: string) => string;
}

/**
 * The configuration: defaults < file < environment < flags.
 *
 * @throws ColdpatchError `configuration_invalid` with every problem of every place, `file_not_found`, `file_unreadable`.
 */
export function loadConfig(sources: ConfigSources): Config {
  const { environment, flags } = sources;
  const isRoot = sources.isRoot ?? process.geteuid?.() === 0;
  const layers: readonly Layer[] = [
    fileLayer(sources),
    { values: readEnvironment(environment), nameOf: (key) => environmentVariableOf(key as ConfigKey) },
    { values: absolute(flags), nameOf: (key) => `flag for ${key}` },
  ];
  const problems = layers.flatMap(problemsOf);
  if (problems.length > 0) throw invalid(problems);
  const values = Object.assign(
    {},
    defaultConfig({ environment, isRoot }),
    ...layers.map(({ values }) => values),
  ) as Config;
  return configSchema.parse(values);
}

function fileLayer({ file, systemFile = '/etc/coldpatch/config.json' }: ConfigSources): Layer {
  const path = file ?? systemFile;
  const values = readConfigFile(path);
  if (values === undefined && file !== undefined) {
    throw new ColdpatchError(
      'file_not_found',
      `Expected a configuration file at ${path}, but there is none.`,
    );
  }
  return { values: values ?? {}, nameOf: (key) => `${path}: ${key}` };
}

/** A layer may be silent on a key, but what it says must be right, also where a stronger one wins. */
function problemsOf({ values, nameOf }: Layer): readonly string[] {
  const result = configSchema.partial().safeParse(values);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${nameOf([...issue.path, key].join('.'))}: there is no such key`)
      : [`${nameOf(issue.path.join('.'))}: ${issue.message}`],
  );
}

function absolute({
  cacheDirectory,
  stateDirectory,
  imageDirectories,
  ...others
}: Partial<Config>): Partial<Config> {
  return {
    ...others,
    ...(cacheDirectory !== undefined && { cacheDirectory: resolve(cacheDirectory) }),
    ...(stateDirectory !== undefined && { stateDirectory: resolve(stateDirectory) }),
    ...(imageDirectories !== undefined && {
      imageDirectories: imageDirectories.map((path) => resolve(path)),
    }),
  };
}

function invalid(problems: readonly string[]): ColdpatchError {
  return new ColdpatchError(
    'configuration_invalid',
    `Expected a valid configuration, but found ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n` +
      `${problems.join('\n')}\nThe keys are described in docs/operating/configuration.md.`,
  );
}
