import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { syncDirectory, writeFileDurably } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import type { StateDirectory } from './state-directory.ts';

const decimal = z
  .string()
  .regex(/^\d{1,20}$/)
  .transform(BigInt);
const contentSchema = z.strictObject({ inode: decimal, size: decimal, modifiedAt: decimal });

const intentSchema = z.strictObject({
  schema: z.literal(1),
  operation: z.enum(['update', 'rollback']),
  /** The generation that the old image becomes. */
  generation: z.number().int().positive(),
  /** The generation whose disk becomes the image, and which ends thereby. */
  consumes: z.number().int().positive().optional(),
  image: z.string(),
  old: contentSchema,
  new: contentSchema,
});

/**
 * What a replacement is about to do, written down before the image is touched.
 *
 * Files are told apart by inode alone: all are on one filesystem, whose device number may be another after a restart.
 */
export type Intent = Readonly<z.infer<typeof intentSchema>>;

/** One state of the bytes of a file on the filesystem of the image. */
export type Content = Intent['old'];

export async function writeIntent(state: StateDirectory, intent: Intent): Promise<void> {
  const text = JSON.stringify(
    intent,
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    2,
  );
  await writeFileDurably(state.intent, `${text}\n`, 0o600);
}

/** The intent of a replacement that did not come to its end, or undefined. */
export async function readIntent(state: StateDirectory): Promise<Intent | undefined> {
  try {
    return intentSchema.parse(JSON.parse(await readFile(state.intent, 'utf8')));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    if (!(error instanceof z.ZodError || error instanceof SyntaxError)) throw error;
    throw new ColdpatchError(
      'internal',
      `Expected the record of an interrupted replacement at ${state.intent}, but could not understand it. ` +
        `Nothing was changed: compare ${state.imagePath} with the disks in ${state.generations} before you remove it.`,
      { cause: error },
    );
  }
}

/** Also when it was never written, because the disk was full. */
export async function removeIntent(state: StateDirectory): Promise<void> {
  await rm(state.intent, { force: true });
  await syncDirectory(state.path);
}
