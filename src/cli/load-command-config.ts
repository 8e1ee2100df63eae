import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/schema.ts';

/** The configuration of one command: its flags win over environment, file and defaults. */
export function loadCommandConfig(options: {
  readonly config?: string | undefined;
  readonly cache?: string | undefined;
}): Config {
  return loadConfig({
    ...(options.config !== undefined && { file: options.config }),
    environment: process.env,
    flags: options.cache === undefined ? {} : { cacheDirectory: options.cache },
  });
}
