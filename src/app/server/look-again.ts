import type { SourceConfig } from '../../config/server-schema.ts';
import type { StepContext } from '../../jobs/types.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import { inspectStoredImage } from './inspect-stored-image.ts';
import { matchStoredImage } from './match-stored-image.ts';
import { imageOf, type ServerContext } from './server-context.ts';

/**
 * What the image is and is open to now. The upgrade is done whether that can be found out or not, also when somebody
 * cancelled it meanwhile: if not, the image counts as open to what it was open to, and the next pass reads it.
 */
export async function lookAgain(
  server: ServerContext,
  step: StepContext,
  { image, source }: { readonly image: StoredImage; readonly source: SourceConfig },
): Promise<void> {
  const { signal } = step;
  try {
    await inspectStoredImage(server, await imageOf(server, image.id), signal);
    await matchStoredImage(server, await imageOf(server, image.id), { source, signal });
  } catch (error) {
    if (!isColdpatchError(error)) throw error;
    if (error.code === 'run_fenced' || error.code === 'store_newer') throw error;
    await updateImageRow(server.store, image.id, { digest: null, matched_at: null });
    await step.report('not_compared', { code: error.code, message: error.message.slice(0, 1000) });
  }
}
