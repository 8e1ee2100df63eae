import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';

/** Name of the disk inside a generation. */
export const diskName = 'disk';
export const manifestName = 'manifest.json';

const wholeNumber = z.number().int().nonnegative();

const manifestSchema = z.strictObject({
  schema: z.literal(1),
  generation: wholeNumber,
  /** What the generation was kept for: what came in its place. */
  reason: z.enum(['update', 'rollback']),
  takenAt: z.iso.datetime(),
  image: z.string(),
  format: z.enum(['raw', 'qcow2']),
  disk: z.strictObject({
    file: z.literal(diskName),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Bytes of the file. */
    size: wholeNumber,
    /** Bytes that the file takes on its filesystem, its holes not counted. */
    allocated: wholeNumber,
  }),
  identity: z.strictObject({ owner: wholeNumber, group: wholeNumber, mode: wholeNumber }),
});

/** What a generation holds, and since when. Written once, before the image is replaced. */
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

export type GenerationReason = Manifest['reason'];

export function writeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`;
}

/**
 * Reads the manifest in the directory of a generation.
 *
 * @throws ColdpatchError `generation_altered` when there is none, or not one of ours.
 */
export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, manifestName);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (!(error instanceof z.ZodError || error instanceof SyntaxError || hasErrorCode(error, 'ENOENT'))) {
      throw error;
    }
    throw new ColdpatchError(
      'generation_altered',
      `Expected the manifest of a generation at ${path}, but it is missing or was changed. Its disk may still be whole: look into ${directory}.`,
      { cause: error },
    );
  }
}
