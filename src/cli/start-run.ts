import type { Config } from '../config/schema.ts';
import { interruptSignal } from './interrupt-signal.ts';
import { loadCommandConfig } from './load-command-config.ts';
import { terminalProgress } from './terminal-progress.ts';

export interface RunIo {
  print(text: string): void;
  readonly stderr: NodeJS.WriteStream;
}

/** What `plan` and `update` share. */
export interface RunOptions {
  readonly path: string;
  readonly format?: 'raw' | 'qcow2';
  readonly backing?: readonly string[];
  readonly engine: string;
  readonly repository?: readonly string[];
  readonly allowStale: boolean;
  readonly offline: boolean;
  readonly snapshot?: string;
  readonly cache?: string;
  readonly config?: string;
}

export function startRun(io: RunIo, options: RunOptions) {
  const config: Config = loadCommandConfig(options);
  const display = terminalProgress(io.stderr);
  const { path, format, backing, repository, engine, allowStale, offline, snapshot } = options;
  const request = {
    image: { path, format, backing },
    repositories: repository,
    engine,
    allowStale,
    offline,
    snapshot,
    display,
    signal: interruptSignal(),
  };
  return { config, request };
}
