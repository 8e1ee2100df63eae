import type { StepContext } from '../../jobs/types.ts';
import { listGenerations } from '../../machines/generations/list-generations.ts';
import { resolveImagePath } from '../../machines/image-path.ts';
import { sourceOf } from '../../sources/registry.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import { addGeneration } from '../../store/runs.ts';
import type { SourceConfig } from '../../config/server-schema.ts';
import { updateOneImage } from '../update.ts';
import { inspectStoredImage } from './inspect-stored-image.ts';
import { imageOf, requestOf, type ServerContext } from './server-context.ts';

/** What `plan`, `match` and the upgrade are asked for, as the policy of the source says it. */
export function upgradeRequest(
  { config }: ServerContext,
  image: StoredImage,
  { directory, policy }: SourceConfig,
) {
  return {
    config: { ...config, imageDirectories: [...config.imageDirectories, directory] },
    request: {
      image: requestOf(image),
      engine: policy.engine,
      repositories: policy.repositories,
      allowStale: false,
      offline: false,
    },
  };
}

/** A display that shows nothing. */
export const noDisplay = {
  phase: () => undefined,
  update: () => undefined,
  done: () => undefined,
  fail: () => undefined,
};

/** Upgrades a copy, verifies it and promotes it; then brings the inventory up to date. */
export async function upgradeStoredImage(
  server: ServerContext,
  step: StepContext,
  { image, source }: { readonly image: StoredImage; readonly source: SourceConfig },
) {
  const { config, request } = upgradeRequest(server, image, source);
  // Phases begin in code that waits for nobody: their rows are written one after the other.
  let written: Promise<void> = Promise.resolve();
  const report = await updateOneImage(config, {
    ...request,
    snapshot: undefined,
    trusted: source.policy.trustImages,
    acceptUnclean: source.policy.acceptUnclean,
    signal: step.signal,
    display: {
      ...noDisplay,
      phase(name) {
        written = written.then(async () => {
          await step.report('phase', { phase: name });
          if (name === 'verify' || name === 'promote') await step.enter(name);
        });
        written.catch(() => undefined);
      },
    },
    run: {
      id: step.fencingToken,
      async assertMayPromote() {
        await written;
        await step.assertHeld();
      },
    },
  });
  await written;
  await settle(server, step, { image, source, digest: report.after.digest });
  const { outcome, generation, changes } = report;
  return {
    outcome,
    generation,
    changes: changes.length,
    before: report.before.digest,
    after: report.after.digest,
  };
}

interface Settled {
  readonly image: StoredImage;
  readonly source: SourceConfig;
  readonly digest: string;
}

/** Also after a crash between promotion and its report: the generations beside the image are what counts. */
async function settle(server: ServerContext, step: StepContext, { image, source, digest }: Settled) {
  const { store } = server;
  const kept = await listGenerations(resolveImagePath(image.locator).path);
  for (const generation of kept) {
    if (generation.answer !== 'complete') continue;
    await addGeneration(store, {
      image_id: image.id,
      number: generation.number,
      run_id: step.run.id,
      taken_at: generation.takenAt,
      digest_before: generation.sha256,
      digest_after: digest,
    });
  }
  await noteFile(server, image, source);
  const at = store.now().toISOString();
  await updateImageRow(store, image.id, { outdated: 0, matched_at: at, last_upgrade_at: at, held: null });
  await inspectStoredImage(server, await imageOf(server, image.id), step.signal);
}

/** So that the next pass does not take our own change for somebody else's. */
export async function noteFile(
  server: ServerContext,
  image: StoredImage,
  source: SourceConfig,
): Promise<void> {
  const now = await sourceOf(source.kind).open(source).look(image.locator);
  if (now) await updateImageRow(server.store, image.id, { size: now.size, modified_at: now.modifiedAt });
}
