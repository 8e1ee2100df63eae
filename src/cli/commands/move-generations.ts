import {
  exportMachineGeneration,
  importMachineGeneration,
  pruneMachineGenerations,
} from '../../app/machine-generations.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanText } from '../clean-text.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import type { GenerationOptions } from './machine-generations.ts';

interface Io {
  print(text: string): void;
}

export interface PruneOptions extends GenerationOptions {
  readonly keep?: number;
  /** Days. */
  readonly maxAge?: number;
  /** Bytes. */
  readonly maxSize?: number;
}

export interface ImportOptions extends GenerationOptions {
  readonly key?: readonly string[];
}

/** `coldpatch generations prune MACHINE`. */
export async function pruneCommand({ print }: Io, machine: string, options: PruneOptions): Promise<void> {
  const { keep, maxAge, maxSize } = options;
  if (keep === undefined && maxAge === undefined && maxSize === undefined) {
    throw new ColdpatchError('usage', 'Expected --keep, --max-age, --max-size or several of them.');
  }
  const deleted = await pruneMachineGenerations(loadCommandConfig(options), {
    machine,
    retention: { keep, maxAgeDays: maxAge, maxBytes: maxSize },
    signal: interruptSignal(),
  });
  if (options.json) print(printJson({ deleted }));
  else print(deleted.length === 0 ? 'Nothing is past these limits.\n' : `Deleted: ${deleted.join(', ')}\n`);
}

/** `coldpatch generations export MACHINE N FILE`. */
export async function exportCommand(
  { print }: Io,
  machine: string,
  options: GenerationOptions & { readonly generation: number; readonly file: string },
): Promise<void> {
  const { generation, file } = options;
  await exportMachineGeneration(loadCommandConfig(options), {
    machine,
    generation,
    target: file,
    signal: interruptSignal(),
  });
  print(
    options.json ? printJson({ generation, file }) : `Generation ${generation} is in ${cleanText(file)}.\n`,
  );
}

/** `coldpatch generations import MACHINE FILE`. */
export async function importCommand(
  { print }: Io,
  machine: string,
  archive: string,
  options: ImportOptions,
): Promise<void> {
  const generation = await importMachineGeneration(loadCommandConfig(options), {
    machine,
    archive,
    keys: options.key ?? [],
    signal: interruptSignal(),
  });
  print(
    options.json ? printJson({ generation }) : `${cleanText(archive)} is generation ${generation} here.\n`,
  );
}
