import type { StepContext } from '../../jobs/types.ts';
import type { SourceConfig } from '../../config/server-schema.ts';
import { digestFile } from '../../lib/digest-file.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { openSource } from '../../sources/registry.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import { changeRun } from '../../store/runs.ts';
import { rollBackImage } from '../rollback.ts';
import { keepGenerationRows } from './keep-generation-rows.ts';
import { configWithFolders, type ServerContext } from './server-context.ts';
import { upgradeRequest } from './upgrade-request.ts';
import { noteFile } from './upgrade-stored-image.ts';

/** Makes a generation the image again, once for a run, however often its step is delivered; then brings the inventory up to date. */
export async function rollBackStoredImage(
  server: ServerContext,
  step: StepContext,
  { image, source }: { readonly image: StoredImage; readonly source: SourceConfig },
): Promise<void> {
  await openSource(source).assertUnused(image.locator);
  await exchangeOnce(server, step, { image, source });
  await keepGenerationRows(server, image, { runId: step.run.id, digestAfter: '' });
  await noteFile(server, image, source);
  const values = { held: 'rolled_back', digest: null, outdated: null, matched_at: null };
  await updateImageRow(server.store, image.id, values);
}

/** The run says from before the exchange which generation it is, and the digest of that: `3`, then `3 9f86…`. */
async function exchangeOnce(
  server: ServerContext,
  { run, signal, assertHeld }: StepContext,
  { image, source }: { readonly image: StoredImage; readonly source: SourceConfig },
): Promise<void> {
  const [asked, digest] = run.argument?.split(' ') ?? [];
  try {
    await rollBackImage(await configWithFolders(server), {
      image: upgradeRequest(image, source).image,
      generation: asked === undefined ? undefined : Number(asked),
      signal,
      async assertMayExchange({ number, sha256 }) {
        await changeRun(server.store, run, { argument: `${number} ${sha256}` });
        await assertHeld();
      },
    });
  } catch (error) {
    // A generation that became the image is none any more.
    const mayBeDone = digest !== undefined && isColdpatchError(error, 'generation_unknown');
    if (!mayBeDone || (await digestFile(image.locator, { signal })) !== digest) throw error;
  }
}
