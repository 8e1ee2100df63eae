import type { StepContext } from '../../jobs/types.ts';
import { machineOfImage } from '../../machines/definitions/machine-of-image.ts';
import { pruneGenerations } from '../../machines/generations/prune-generations.ts';
import { resolveImagePath } from '../../machines/image-path.ts';
import { readAttestation } from '../../machines/signing/image-statements.ts';
import { openSource } from '../../sources/registry.ts';
import { keepAttestation } from '../../store/attestations.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import { generationsOfImage } from '../../store/runs.ts';
import type { SourceConfig } from '../../config/server-schema.ts';
import { updateOneImage } from '../update.ts';
import { keepGenerationRows } from './keep-generation-rows.ts';
import { lookAgain } from './look-again.ts';
import { configWithFolders, type ServerContext } from './server-context.ts';
import { noDisplay, upgradeRequest } from './upgrade-request.ts';

/** Upgrades a copy, verifies it and promotes it; then brings the inventory up to date. */
export async function upgradeStoredImage(
  server: ServerContext,
  step: StepContext,
  {
    image,
    source,
    ioBytesPerSecond,
  }: {
    readonly image: StoredImage;
    readonly source: SourceConfig;
    readonly ioBytesPerSecond: number | undefined;
  },
) {
  const place = openSource(source);
  await place.assertUnused(image.locator);
  // Phases begin in code that waits for nobody: their rows are written one after the other.
  let written: Promise<void> = Promise.resolve();
  const report = await updateOneImage(await configWithFolders(server), {
    ...upgradeRequest(image, source),
    snapshot: undefined,
    ioBytesPerSecond,
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
        await place.assertUnused(image.locator);
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
  const maker = { runId: step.run.id, digestAfter: digest };
  const newest = await keepGenerationRows(server, image, maker);
  await keepStatement(server, step, { image, newest });
  if (source.policy.keepGenerations !== undefined)
    await prune(server, step, { image, keep: source.policy.keepGenerations });
  await noteFile(server, image, source);
  const at = store.now().toISOString();
  await updateImageRow(store, image.id, { outdated: 0, matched_at: at, last_upgrade_at: at, held: null });
  await lookAgain(server, step, { image, source });
}

/** The statement of the newest generation, if it is this run that made it. */
async function keepStatement(
  { store }: ServerContext,
  step: StepContext,
  { image, newest }: { readonly image: StoredImage; readonly newest: number | undefined },
): Promise<void> {
  const rows = await generationsOfImage(store, image.id);
  const own = rows.find(({ number, run_id }) => number === newest && run_id === step.run.id);
  if (!own) return;
  const statement = await readAttestation(resolveImagePath(image.locator).path, own.number);
  if (statement !== undefined)
    await keepAttestation(store, { runId: step.run.id, imageId: image.id, statement });
}

/** The generations of a machine belong to it: its own rules say how many stay. */
async function prune(
  server: ServerContext,
  step: StepContext,
  { image, keep }: { readonly image: StoredImage; readonly keep: number },
): Promise<void> {
  const { path } = resolveImagePath(image.locator);
  if (await machineOfImage(server.config.stateDirectory, path)) return;
  const removed = await pruneGenerations(path, keep);
  if (removed.length === 0) return;
  await keepGenerationRows(server, image, { runId: step.run.id, digestAfter: '' });
  await step.report('generations_removed', { generations: removed });
}

/** So that the next pass does not take our own change for somebody else's. */
export async function noteFile(
  server: ServerContext,
  image: StoredImage,
  source: SourceConfig,
): Promise<void> {
  const now = await openSource(source).look(image.locator);
  if (now) await updateImageRow(server.store, image.id, { size: now.size, modified_at: now.modifiedAt });
}
