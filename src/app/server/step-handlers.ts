import type { StepHandlers } from '../../jobs/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { updateImageRow } from '../../store/images.ts';
import { planImage } from '../plan.ts';
import { rollBackImage } from '../rollback.ts';
import { scanImages } from '../scan.ts';
import { collectSource } from './collect-source.ts';
import { inspectStoredImage } from './inspect-stored-image.ts';
import { configuredSource, imageOf, type ServerContext } from './server-context.ts';
import { noDisplay, noteFile, upgradeRequest, upgradeStoredImage } from './upgrade-stored-image.ts';

/** What each step of a run does: the functions of the commands, for an image of the inventory. */
export function stepHandlers(server: ServerContext): StepHandlers {
  const { store } = server;
  return {
    async collect({ run }) {
      return {
        next: 'continue',
        result: await collectSource(server, configuredSource(server, run.source_id)),
      };
    },

    async inspect({ run, signal }) {
      const image = await imageOf(server, run.image_id);
      const result = await inspectStoredImage(server, image, signal);
      return { next: image.role === 'base' ? 'end' : 'continue', result };
    },

    async match({ run, signal }) {
      const image = await imageOf(server, run.image_id);
      const { config, request } = upgradeRequest(server, image, configuredSource(server, run.source_id));
      const options = { ...request, allowUnsigned: false, changelogs: false, display: noDisplay, signal };
      const matched_at = store.now().toISOString();
      for await (const answer of scanImages(config, [image.locator], options)) {
        if (answer.error?.code === 'system_unknown') {
          await updateImageRow(store, image.id, { outdated: null, matched_at });
          return { next: 'end', result: { outcome: 'system_unknown' } };
        }
        if (answer.error) throw answer.error;
        const { lagging } = answer.scan.summary;
        await updateImageRow(store, image.id, { outdated: lagging, matched_at });
        return { next: 'continue', result: { outcome: 'matched', outdated: lagging } };
      }
      throw new ColdpatchError('internal', `Expected a scan of ${image.locator}, but there was no answer.`);
    },

    async plan({ run, signal }) {
      const image = await imageOf(server, run.image_id);
      const source = configuredSource(server, run.source_id);
      const { config, request } = upgradeRequest(server, image, source);
      const plan = await planImage(config, { ...request, snapshot: undefined, display: noDisplay, signal });
      const changes = plan.changes.map(({ name, from, to }) => ({ name, from, to }));
      if (changes.length === 0) return { next: 'end', result: { outcome: 'nothing_to_do' } };
      const next = source.policy.upgrade === 'after_approval' ? 'wait' : 'continue';
      return { next, result: { outcome: 'planned', changes } };
    },

    async upgrade(step) {
      const image = await imageOf(server, step.run.image_id);
      const source = configuredSource(server, step.run.source_id);
      return { next: 'continue', result: await upgradeStoredImage(server, step, { image, source }) };
    },

    async rollback({ run, signal }) {
      const image = await imageOf(server, run.image_id);
      const source = configuredSource(server, run.source_id);
      const { config, request } = upgradeRequest(server, image, source);
      const generation = run.argument === null ? undefined : Number(run.argument);
      await updateImageRow(store, image.id, { held: 'rolled_back' });
      await rollBackImage(config, { image: request.image, generation, signal });
      await noteFile(server, image, source);
      await updateImageRow(store, image.id, { digest: null, outdated: null, matched_at: null });
      return { next: 'continue', result: { outcome: 'rolled_back' } };
    },
  };
}
