import { listGenerations } from '../../machines/generations/list-generations.ts';
import { resolveImagePath } from '../../machines/image-path.ts';
import type { StoredImage } from '../../store/images.ts';
import { addGeneration, generationsOfImage, removeGeneration } from '../../store/runs.ts';
import type { ServerContext } from './server-context.ts';

export interface GenerationMaker {
  readonly runId: string;
  /** SHA-256 of the image that came after; empty when that is not known. */
  readonly digestAfter: string;
}

/**
 * Makes the rows say which generations lie beside an image: those are what counts, also after a crash between a
 * promotion and its report. @returns the number of the newest.
 */
export async function keepGenerationRows(
  { store }: ServerContext,
  image: StoredImage,
  { runId, digestAfter }: GenerationMaker,
): Promise<number | undefined> {
  const kept = await listGenerations(resolveImagePath(image.locator).path);
  for (const generation of kept) {
    if (generation.answer !== 'complete') continue;
    await addGeneration(store, {
      image_id: image.id,
      number: generation.number,
      run_id: runId,
      taken_at: generation.takenAt,
      digest_before: generation.sha256,
      digest_after: digestAfter,
    });
  }
  const numbers = new Set(kept.map(({ number }) => number));
  for (const { number } of await generationsOfImage(store, image.id))
    if (!numbers.has(number)) await removeGeneration(store, image.id, number);
  return kept.at(-1)?.number;
}
