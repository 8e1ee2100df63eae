import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { syncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { interventionSchema } from '../running/intervention.ts';
import type { MachineState } from '../definitions/machine-state.ts';

const path = z.string().regex(/^\/[^\0]*$/);
const number = z.number().int().positive();

const intentSchema = z.discriminatedUnion('operation', [
  z.strictObject({
    operation: z.literal('prepare'),
    /** Counts only once its directory has its name. */
    generation: number,
    /** All that belongs to it elsewhere, and what is staged for a rollback. */
    directories: z.array(path),
    /** Of a machine that runs: what was done to it, and must be undone. */
    running: interventionSchema.optional(),
  }),
  z.strictObject({
    operation: z.literal('roll_back'),
    generation: number,
    manifest: z.string(),
    /** The generation that the replaced state becomes. */
    keeps: number,
    /** In their order: each staged file takes the place at `path`, or what is there goes. */
    steps: z.array(z.strictObject({ path, staged: path.nullable(), inode: z.string().nullable() })).min(1),
    /** The members as they were, to notice a machine that was started before its first disk lost its name. */
    old: z
      .array(z.strictObject({ path, inode: z.string(), size: z.string(), modifiedAt: z.string() }))
      .default([]),
    /** Those that are empty in the end. */
    directories: z.array(path),
  }),
  z.strictObject({
    operation: z.literal('delete'),
    generation: number,
    manifest: z.string(),
    directories: z.array(path),
  }),
]);

/** What is about to be done to the generations of a machine, written down before it is. */
export type MachineIntent = Readonly<z.infer<typeof intentSchema>>;

export type RollBackIntent = Extract<MachineIntent, { readonly operation: 'roll_back' }>;

export async function writeMachineIntent(state: MachineState, intent: MachineIntent): Promise<void> {
  await writeFileDurably(state.intent, `${JSON.stringify(intent, undefined, 2)}\n`, 0o600);
}

export async function readMachineIntent(state: MachineState): Promise<MachineIntent | undefined> {
  try {
    return intentSchema.parse(JSON.parse(await readFile(state.intent, 'utf8')));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new ColdpatchError(
      'internal',
      `Expected the record of an interrupted run in ${state.intent}, but could not understand it. Nothing was changed.`,
      { cause: error },
    );
  }
}

export async function removeMachineIntent(state: MachineState): Promise<void> {
  await rm(state.intent, { force: true });
  await syncDirectory(state.path);
}
