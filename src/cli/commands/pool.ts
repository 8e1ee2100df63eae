import { exportPool, importPool, prunePool, verifyPool } from '../../app/pool.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printBytes } from '../print-bytes.ts';
import { printJson } from '../print-json.ts';
import type { Progress } from '../progress.ts';

export interface PoolIo {
  print(text: string): void;
  readonly progress: Pick<Progress, 'phase' | 'update' | 'done'>;
}

export interface PoolOptions {
  readonly cache?: string;
  readonly config?: string;
  readonly json: boolean;
}

const foundSomething = 4;

/** `coldpatch pool verify`. @returns the exit code: 4 when something is damaged. */
export async function verifyPoolCommand(
  { print, progress }: PoolIo,
  { remove, json, ...options }: PoolOptions & { readonly remove: boolean },
): Promise<number> {
  progress.phase('verify');
  const found = await verifyPool({
    cacheDirectory: loadCommandConfig(options).cacheDirectory,
    remove,
    onProgress: (done, total) => progress.update(total === 0 ? 1 : done / total),
    signal: interruptSignal(),
  });
  progress.done();
  const damaged = found.damaged.map((path) => `damaged${remove ? ', removed' : ''}: ${cleanText(path)}\n`);
  const summary = `${found.files} files, ${printBytes(found.bytes)}: ${found.damaged.length} damaged\n`;
  print(json ? printJson(found) : [...damaged, summary].join(''));
  return found.damaged.length === 0 ? 0 : foundSomething;
}

export interface PruneOptions extends PoolOptions {
  readonly maxAge?: number;
  readonly maxSize?: number;
}

/** `coldpatch pool prune`. */
export async function prunePoolCommand(
  { print }: PoolIo,
  { json, maxAge, maxSize, ...options }: PruneOptions,
): Promise<void> {
  const { removed, kept } = await prunePool({
    cacheDirectory: loadCommandConfig(options).cacheDirectory,
    ...(maxAge !== undefined && { maxAgeDays: maxAge }),
    ...(maxSize !== undefined && { maxBytes: maxSize }),
    now: new Date(),
    signal: interruptSignal(),
  });
  const text =
    `removed ${removed.files} files, ${printBytes(removed.bytes)}; ` +
    `kept ${kept.files} files, ${printBytes(kept.bytes)}\n`;
  print(json ? printJson({ removed, kept }) : text);
}

/** `coldpatch pool export FILE` and `coldpatch pool import FILE`. */
export async function transferPoolCommand(
  { print }: PoolIo,
  {
    json,
    file,
    direction,
    ...options
  }: PoolOptions & { readonly file: string; readonly direction: 'export' | 'import' },
): Promise<void> {
  const { cacheDirectory } = loadCommandConfig(options);
  const signal = interruptSignal();
  const { files, bytes } =
    direction === 'export'
      ? await exportPool({ cacheDirectory, target: file, signal })
      : await importPool({ cacheDirectory, source: file, signal });
  print(json ? printJson({ files, bytes }) : `${direction}ed ${files} files, ${printBytes(bytes)}\n`);
}
