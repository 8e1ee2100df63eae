import { addRun } from '../../store/runs.ts';
import { knownImages, recordPass, staleImages, type StoredImage } from '../../store/images.ts';
import { imagesOfOthers, listWaitingSources } from '../../store/other-sources.ts';
import { openSource } from '../../sources/registry.ts';
import { stepsOfKind } from '../../jobs/types.ts';
import type { SourceConfig } from '../../config/server-schema.ts';
import { backingOf, type ServerContext } from './server-context.ts';

/** Lists a source, keeps what was found, and queues what has to be done for its images. */
export async function collectSource(context: ServerContext, source: SourceConfig) {
  const { store, settings } = context;
  const known = await knownImages(store, source.id);
  const remembered = new Map(
    [...known].map(([locator, row]) => [
      locator,
      {
        size: row.size,
        modifiedAt: row.modified_at,
        format: row.format,
        backing: backingOf(row),
        problem: row.problem,
      },
    ]),
  );
  const configured = settings.sources.map(({ id }) => id);
  const others = await imagesOfOthers(store, source.id, configured);
  const files = await openSource(source).list(remembered, others);
  const { due: _due, ...counts } = await recordPass(store, source, files);
  await listWaitingSources(store, configured);
  return { ...counts, queued: await queueStale(context, source) };
}

/** Not from the pass alone: a server that died after a pass must still do what the pass found. */
async function queueStale({ store }: ServerContext, source: SourceConfig): Promise<number> {
  const before = new Date(store.now().getTime() - source.policy.matchHours * 3_600_000).toISOString();
  let queued = 0;
  for (const image of await staleImages(store, source.id, before)) {
    const kind = kindFor(image, source);
    const { answer } = await addRun(store, {
      kind,
      sourceId: source.id,
      imageId: image.id,
      steps: stepsOfKind[kind],
      requestedBy: 'schedule',
    });
    if (answer === 'added') queued += 1;
  }
  return queued;
}

/** What was rolled back is held: it is looked at, but not upgraded by itself. */
function kindFor({ role, held }: StoredImage, { policy }: SourceConfig): 'inspect' | 'upgrade' {
  return role === 'leaf' && held === null && policy.upgrade !== 'never' ? 'upgrade' : 'inspect';
}
